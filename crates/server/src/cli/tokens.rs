//! `shopcast token`: what a platform's back end does, from the command line.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use access::{Action, Algorithm, Claims, Signer};
use aws_lc_rs::{
    encoding::AsDer as _,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args;
use engine::StreamName;
use media::UnixMillis;

use crate::{
    Error,
    config::{self, Config, Span},
    io::clock,
};

/// `shopcast token …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The stream it is for, or * for all.
    #[arg(long, value_name = "NAME", required_unless_present = "generate_key", value_parser = stream)]
    stream: Option<String>,
    /// What it allows: watch, publish or cues; may be given more than once.
    #[arg(long, value_name = "ACTION", default_value = "watch", value_parser = action)]
    action: Vec<Action>,
    /// How long it is valid, for example 2h; at most `access.jwt_lifetime_max`.
    #[arg(long = "for", value_name = "SPAN", default_value = "2h")]
    lifetime: Span,
    /// Whom it is given to, for the log.
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// The private key in PEM, or the secret's file for HS256.
    #[arg(long, value_name = "FILE", required_unless_present = "generate_key")]
    key_file: Option<PathBuf>,
    /// Where viewers reach the server, for example `https://live.example.com`; prints a link in place of the token.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Makes an Ed25519 pair, NAME.private.pem to sign with and NAME.public.pem for `access.jwt_key_file`.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["stream", "key_file", "url", "subject"])]
    generate_key: Option<PathBuf>,
    /// The server's configuration file: it says the algorithm and the audience.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Arguments {
    /// Does it; what to print.
    pub(super) fn run(self) -> Result<String, Error> {
        if let Some(name) = &self.generate_key {
            return generate(name);
        }
        let access = Config::read(self.config.as_deref())?.access;
        let token = self.sign(&access)?;
        Ok(match &self.url {
            None => format!("{token}\n"),
            Some(url) => format!("{}\n", self.link(url, &token)?),
        })
    }

    fn sign(&self, access: &config::Access) -> Result<String, Error> {
        if self.lifetime > access.jwt_lifetime_max {
            return Err(Error::Key(format!(
                "a token for {} would be refused: `access.jwt_lifetime_max` is {}",
                self.lifetime, access.jwt_lifetime_max
            )));
        }
        let algorithm: Algorithm = access.jwt_algorithm.into();
        let path = self.key_file.as_deref().unwrap_or_else(|| Path::new(""));
        let wrong = |what: String| Error::Key(format!("{}: {what}", path.display()));
        let file = fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let signer = Signer::parse(algorithm, &file).map_err(|error| wrong(error.to_string()))?;
        let lifetime = i64::try_from(self.lifetime.0.as_millis()).unwrap_or(i64::MAX);
        let claims = Claims {
            audience: vec![access.jwt_audience.clone()],
            expires: UnixMillis(clock::wall().0.saturating_add(lifetime)),
            not_before: None,
            subject: self.subject.clone(),
            stream: self.stream.clone().unwrap_or_default(),
            actions: self.action.clone(),
        };
        signer
            .sign(&claims)
            .map_err(|error| wrong(error.to_string()))
    }

    /// Where the token is of use. In a link to publish it stands behind the #, which browsers do not send.
    fn link(&self, url: &str, token: &str) -> Result<String, Error> {
        let stream = self.stream.as_deref().unwrap_or_default();
        if stream == Claims::ANY_STREAM {
            return Err(Error::Key(
                "`--url` needs one stream; give its name as `--stream`".into(),
            ));
        }
        let url = url.trim_end_matches('/');
        if self.action.contains(&Action::Watch) {
            Ok(format!("{url}/watch/{stream}?token={token}"))
        } else if self.action.contains(&Action::Publish) {
            Ok(format!("{url}/golive/{stream}#token={token}"))
        } else {
            Err(Error::Key(
                "`--url` needs `--action watch` or `--action publish`".into(),
            ))
        }
    }
}

/// Writes a new pair.
fn generate(name: &Path) -> Result<String, Error> {
    let failed = |_| Error::Key("the system makes no random bits".into());
    let pair = Ed25519KeyPair::generate().map_err(failed)?;
    let private = pair.to_pkcs8v1().map_err(failed)?;
    let public = pair.public_key().as_der().map_err(failed)?;
    let named = |kind: &str| {
        let mut name = name.to_path_buf().into_os_string();
        name.push(format!(".{kind}.pem"));
        PathBuf::from(name)
    };
    let (private_file, public_file) = (named("private"), named("public"));
    write(&private_file, &pem("PRIVATE KEY", private.as_ref()), 0o600)?;
    write(&public_file, &pem("PUBLIC KEY", public.as_ref()), 0o644)?;
    Ok(format!(
        "{}: keep it where tokens are signed, and nowhere else\n{}: for `access.jwt_key_file`, with `access.jwt_algorithm` = \
         \"EdDSA\"\n",
        private_file.display(),
        public_file.display()
    ))
}

fn pem(kind: &str, der: &[u8]) -> String {
    format!(
        "-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n",
        STANDARD.encode(der)
    )
}

/// Never over what is there: it might be the only copy of a key.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Error::Key(format!("{}: {error}", path.display())))
}

fn action(text: &str) -> Result<Action, String> {
    Action::parse(text).ok_or_else(|| "an action is watch, publish or cues".into())
}

fn stream(text: &str) -> Result<String, String> {
    if text == Claims::ANY_STREAM || StreamName::parse(text).is_some() {
        return Ok(text.into());
    }
    Err("a stream's name is 1 to 64 of A-Z a-z 0-9 _ -, or * for all".into())
}

#[cfg(test)]
mod tests {
    use access::{Asked, Decision, Policy, Viewers};
    use clap::Parser;

    use super::*;
    use crate::config::JwtAlgorithm;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn run(line: &str) -> Result<String, String> {
        let line = Line::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?;
        line.arguments.run().map_err(|error| error.to_string())
    }

    #[test]
    fn a_pair_that_was_made_signs_tokens_that_are_taken() {
        let folder =
            std::env::temp_dir().join(format!("shopcast-token-{:016x}", rand::random::<u64>()));
        fs::create_dir_all(&folder).unwrap();
        let name = folder.join("platform").display().to_string();
        run(&format!("token --generate-key {name}")).unwrap();
        let said = run(&format!("token --generate-key {name}")).unwrap_err();
        assert!(said.contains("exists"), "{said}");
        let private = format!("{name}.private.pem");
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&private).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);

        let access = config::Access {
            jwt_key_file: format!("{name}.public.pem"),
            viewers: config::Viewers::Token,
            ..config::Access::default()
        };
        let settings = access.settings().unwrap();
        assert_eq!(settings.viewers, Viewers::Token);
        let decide = |token: &str, policy| {
            let asked = Asked {
                policy,
                stream: Some("show"),
            };
            access::decide(asked, Some(token), &settings, clock::wall())
        };
        let token = run(&format!("token --stream show --key-file {private}")).unwrap();
        assert!(matches!(
            decide(token.trim(), Policy::Watch),
            Decision::Allow(_)
        ));
        let link = run(&format!(
            "token --stream show --for 12h --key-file {private} --url https://live.example/"
        ))
        .unwrap();
        let token = link
            .trim()
            .strip_prefix("https://live.example/watch/show?token=")
            .unwrap();
        assert!(matches!(decide(token, Policy::Watch), Decision::Allow(_)));
        let link = run(&format!("token --stream show --action publish --action cues --key-file {private} --url https://l")).unwrap();
        let token = link
            .trim()
            .strip_prefix("https://l/golive/show#token=")
            .unwrap();
        assert!(!matches!(decide(token, Policy::Watch), Decision::Allow(_)));
        for (line, hint) in [
            ("token --stream show --for 13h", "jwt_lifetime_max"),
            ("token --stream * --url https://l", "one stream"),
            ("token --stream a/b", "1 to 64"),
            (
                "token --stream show --action dance",
                "watch, publish or cues",
            ),
        ] {
            let said = run(&format!("{line} --key-file {private}")).unwrap_err();
            assert!(said.contains(hint), "{said}");
        }
        let public = run(&format!("token --stream show --key-file {name}.public.pem")).unwrap_err();
        assert!(public.contains("private key"), "{public}");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn each_algorithm_has_its_name_in_the_configuration() {
        for (configured, algorithm) in [
            (JwtAlgorithm::EdDsa, Algorithm::EdDsa),
            (JwtAlgorithm::Es256, Algorithm::Es256),
            (JwtAlgorithm::Hs256, Algorithm::Hs256),
        ] {
            assert_eq!(Algorithm::from(configured), algorithm);
            let name = toml::Value::try_from(configured).unwrap();
            assert_eq!(name.as_str(), Some(algorithm.as_str()));
        }
    }
}
