//! `shopcast key`: stream keys, on the file that the server uses.

use std::path::{self, Path, PathBuf};

use clap::{Args, Subcommand};
use cues::rfc3339_millis;
use engine::StreamName;
use media::UnixMillis;

use crate::{
    Error,
    config::{Config, Span},
    io::clock,
    keys::{Keys, Listed, Made},
    store::Store,
};

/// `shopcast key …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The server's configuration file: it says where `store.path` is.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a stream key and prints it, this once.
    Create {
        /// The stream it publishes: 1 to 64 of A-Z a-z 0-9 _ -
        #[arg(value_parser = name)]
        stream: StreamName,
    },
    /// Lists the keys of a stream: ids and times, never the keys.
    List {
        /// The stream.
        #[arg(value_parser = name)]
        stream: StreamName,
    },
    /// Makes a key in the place of another, and prints it, this once.
    Rotate {
        /// The stream.
        #[arg(value_parser = name)]
        stream: StreamName,
        /// The old key's id, as `list` has it.
        id: String,
        /// How long the old key still works, for example 10m.
        #[arg(long, default_value = "0s", value_name = "SPAN")]
        grace: Span,
    },
    /// Ends a key. Who publishes with it now goes on until it disconnects; the running server's API ends that too.
    Revoke {
        /// The stream.
        #[arg(value_parser = name)]
        stream: StreamName,
        /// The key's id, as `list` has it.
        id: String,
    },
}

impl Arguments {
    /// Does it; what to print.
    pub(super) async fn run(self) -> Result<String, Error> {
        let config = Config::read(self.config.as_deref())?;
        let path = &config.store.path;
        if path.is_empty() {
            let why = "`store.path` is empty: a key would be forgotten at once; give the server a file, and this command the \
                       same configuration";
            return Err(Error::Config(why.into()));
        }
        there(Path::new(path))?;
        let store = Store::open(path).await?;
        let said = self.command.run(&Keys::new(store.clone())).await;
        store.close().await;
        said
    }
}

impl Command {
    async fn run(self, keys: &Keys) -> Result<String, Error> {
        let now = clock::wall();
        let failed = |error: crate::keys::KeysError| Error::Key(error.to_string());
        match self {
            Self::Create { stream } => {
                let made = keys.create(&stream, now).await.map_err(failed)?;
                Ok(shown(&made))
            }
            Self::List { stream } => {
                let listed = keys.list(&stream, now).await.map_err(failed)?;
                Ok(table(&stream, &listed))
            }
            Self::Rotate { stream, id, grace } => {
                let grace = i64::try_from(grace.0.as_millis()).unwrap_or(i64::MAX);
                let ends = UnixMillis(now.0.saturating_add(grace));
                let made = keys.rotate(&stream, &id, ends, now).await.map_err(failed)?;
                Ok(shown(&made))
            }
            Self::Revoke { stream, id } => {
                keys.revoke(&stream, &id).await.map_err(failed)?;
                Ok(format!("key {id} of {stream} is revoked\n"))
            }
        }
    }
}

/// A new database here would be one that no server reads: most likely a relative path, and another folder than the server's.
fn there(path: &Path) -> Result<(), Error> {
    if path.exists() {
        return Ok(());
    }
    let whole = path::absolute(path).unwrap_or_else(|_| path.into());
    Err(Error::Config(format!(
        "`store.path`: there is no database at {}; give this command the server's --config, and run it in the server's folder \
         or make `store.path` absolute (the server makes the file when it first starts)",
        whole.display()
    )))
}

/// The key alone on its line, so that a script can take the last one.
fn shown(made: &Made) -> String {
    let Listed { id, stream, .. } = &made.listed;
    format!(
        "key {id} of {stream}; type this as the stream key, it is not shown again:\n{}\n",
        made.key.text()
    )
}

fn table(stream: &StreamName, listed: &[Listed]) -> String {
    if listed.is_empty() {
        return format!("{stream} has no stream keys; `shopcast key create {stream}` makes one\n");
    }
    let mut lines = String::new();
    for key in listed {
        let ends = key.expires.map_or_else(|| "never".into(), rfc3339_millis);
        lines.push_str(&format!(
            "{}  made {}  ends {ends}\n",
            key.id,
            rfc3339_millis(key.created)
        ));
    }
    lines
}

fn name(text: &str) -> Result<StreamName, String> {
    StreamName::parse(text).ok_or_else(|| "a stream's name is 1 to 64 of A-Z a-z 0-9 _ -".into())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            // Nothing more can be done about a folder that stays.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    async fn run(line: &str) -> Result<String, String> {
        let line = Line::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?;
        line.arguments
            .run()
            .await
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn keys_are_made_listed_replaced_and_revoked_on_the_servers_file() {
        let folder = Folder(
            std::env::temp_dir().join(format!("shopcast-cli-{:016x}", rand::random::<u64>())),
        );
        std::fs::create_dir_all(&folder.0).unwrap();
        let (config, file) = (folder.0.join("shopcast.toml"), folder.0.join("keys.db"));
        // What the server would refuse to start with does not matter here: its token is in its own environment.
        let text = format!(
            "[http]\nlisten = \"0.0.0.0:80\"\n[store]\npath = \"{}\"\n",
            file.display()
        );
        std::fs::write(&config, text).unwrap();
        let with = |line: &str| format!("key {line} --config {}", config.display());

        // No server was ever here: a key in a file of its own would open no door.
        let said = run(&with("create show")).await.unwrap_err();
        assert!(
            said.contains("`store.path`") && said.contains(&file.display().to_string()),
            "{said}"
        );
        assert!(!file.exists());
        // A server has the file open all the while.
        let server = Keys::new(Store::open(&file.display().to_string()).await.unwrap());
        let made = run(&with("create show")).await.unwrap();
        let key = made.lines().last().unwrap();
        let hash = access::KeyHash::of(key).unwrap();
        let found = server.look_up(hash).await.unwrap().unwrap();
        assert_eq!(found.stream, "show");
        let listed = run(&with("list show")).await.unwrap();
        assert!(
            listed.contains(&found.id) && listed.contains("never") && !listed.contains(key),
            "{listed}"
        );
        let new = run(&with(&format!("rotate show {} --grace 10m", found.id)))
            .await
            .unwrap();
        let old = server.look_up(hash).await.unwrap().unwrap();
        assert!(
            old.expires
                .is_some_and(|at| at.0 > clock::wall().0 + 500_000)
        );
        assert!(new.lines().last().unwrap() != key);
        run(&with(&format!("revoke show {}", found.id)))
            .await
            .unwrap();
        assert_eq!(server.look_up(hash).await.unwrap(), None);
        let said = run(&with(&format!("revoke show {}", found.id)))
            .await
            .unwrap_err();
        assert!(said.contains("list its keys"), "{said}");
        assert!(
            run(&with("create sh/ow"))
                .await
                .unwrap_err()
                .contains("1 to 64")
        );
    }
}
