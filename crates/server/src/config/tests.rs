//! The configuration and its reference hold each other.

use std::collections::BTreeMap;

use figment::{
    Figment, Jail,
    providers::{Format, Toml},
};

use super::*;

const REFERENCE: &str = include_str!("../../../../config/shopcast.toml");

/// Every `section.key` with its value, in order.
fn flat(table: &toml::Table) -> BTreeMap<String, toml::Value> {
    let section = |(section, keys): (&String, &toml::Value)| {
        let keys = keys
            .as_table()
            .expect("only sections stand at the top")
            .clone();
        keys.into_iter()
            .map(|(key, value)| (format!("{section}.{key}"), value))
            .collect::<Vec<_>>()
    };
    table.iter().flat_map(section).collect()
}

fn from_toml(text: &str) -> Result<Config, String> {
    Config::from_layers(&Figment::from(Toml::string(text))).map_err(|error| error.to_string())
}

#[test]
fn the_reference_lists_every_key_with_its_default_and_no_other() {
    let code = flat(&toml::Table::try_from(Config::default()).unwrap());
    let file = flat(&REFERENCE.parse().unwrap());
    assert_eq!(file, code);
    assert_eq!(from_toml(REFERENCE), Ok(Config::default()));
}

#[test]
fn the_reference_says_of_every_key_its_default_its_effects_and_its_environment_name() {
    let mut section = "";
    let mut comment = String::new();
    let mut keys = 0;
    for line in REFERENCE.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some(text) = line.strip_prefix('#') {
            comment.push_str(text);
            continue;
        } else if let Some((key, value)) = line.split_once(" = ") {
            let env = format!("SHOPCAST_{section}__{key}").to_uppercase();
            let default = format!("Default: {}.", value.trim_matches('"'));
            let default = if value == "\"\"" {
                "Default: empty."
            } else {
                &default
            };
            for part in [default, "Raising:", "Lowering:", &env] {
                let alike = part
                    .replace("Raising:", "Changing:")
                    .replace("Lowering:", "Changing:");
                let said = comment.contains(part) || comment.contains(&alike);
                assert!(said, "{section}.{key}: its comment lacks `{part}`");
            }
            keys += 1;
        }
        comment.clear();
    }
    assert_eq!(
        keys,
        flat(&REFERENCE.parse().unwrap()).len(),
        "one key a line, `key = value`"
    );
}

/// The example of an endpoint is a comment, because by default there is none; it must still be one that works.
#[test]
fn the_example_of_a_webhook_endpoint_names_every_key_it_has() {
    let lines = REFERENCE
        .lines()
        .skip_while(|line| *line != "#   [[webhooks.endpoints]]");
    let example: Vec<_> = lines
        .take_while(|line| line.starts_with("#   "))
        .map(|line| line.trim_start_matches('#').trim_start())
        .filter(|line| line.starts_with('[') || line.contains(" = "))
        .collect();
    let table: toml::Table = example.join("\n").parse().unwrap();
    let example = table["webhooks"]["endpoints"][0].as_table().unwrap();
    let keys: Vec<_> = example.keys().map(String::as_str).collect();
    assert_eq!(keys, ["events", "name", "secret", "secret_file", "url"]);
    let endpoint: WebhookEndpoint = example.clone().try_into().unwrap();
    let written = toml::Table::try_from(&endpoint).unwrap();
    assert_eq!(
        written.keys().collect::<Vec<_>>(),
        example.keys().collect::<Vec<_>>()
    );
}

#[test]
fn an_unknown_key_is_an_error_that_names_it() {
    let said = from_toml("[http]\nlisten_on = \"127.0.0.1:1\"").unwrap_err();
    assert!(
        said.contains("http.listen_on") && said.contains("`listen`"),
        "{said}"
    );
    let said = from_toml("[htpp]\nlisten = \"127.0.0.1:1\"").unwrap_err();
    assert!(said.contains("`htpp`"), "{said}");
}

#[test]
fn a_span_without_a_unit_is_an_error_that_names_the_key() {
    let said = from_toml("[cues]\nlead = \"300\"").unwrap_err();
    assert!(
        said.contains("cues.lead") && said.contains("ms, s, m, h"),
        "{said}"
    );
    let said = from_toml("[cues]\nlead = 300").unwrap_err();
    assert!(said.contains("cues.lead"), "{said}");
}

/// A listener anybody can reach, with what `access` says.
fn beyond(section: &str, access: &str) -> Result<Config, String> {
    from_toml(&format!(
        "[{section}]\nlisten = \"0.0.0.0:9\"\n[access]\n{access}"
    ))
}

const API_TOKEN: &str = "api_token = \"an-api-token-of-enough-characters\"\n";

#[test]
fn listening_beyond_loopback_needs_a_token_keys_and_a_choice_for_viewers() {
    for section in ["http", "rtmp", "webrtc"] {
        let said = beyond(section, "").unwrap_err();
        for named in [
            &format!("`{section}.listen`"),
            "SHOPCAST_ACCESS__API_TOKEN",
            "`access.publishers` = \"key\"",
            "`access.viewers` =",
        ] {
            assert!(said.contains(named), "{named}: {said}");
        }
    }
    let key = "publishers = \"key\"\n";
    for (access, lacks) in [
        (
            format!("{key}viewers = \"open\""),
            "SHOPCAST_ACCESS__API_TOKEN",
        ),
        (
            format!("{API_TOKEN}viewers = \"open\""),
            "`access.publishers`",
        ),
        (format!("{API_TOKEN}{key}"), "`access.viewers`"),
        (
            format!("{API_TOKEN}{key}viewers = \"token\""),
            "`access.jwt_key_file`",
        ),
    ] {
        let said = beyond("http", &access).unwrap_err();
        assert!(said.contains(lacks), "{access}: {said}");
    }
    assert!(beyond("http", &format!("{API_TOKEN}{key}viewers = \"open\"")).is_ok());
    let tokens = format!("{API_TOKEN}{key}viewers = \"token\"\njwt_key_file = \"public.pem\"");
    assert!(beyond("webrtc", &tokens).is_ok());
    assert!(
        from_toml("[http]\nlisten = \"[::1]:9\"").is_ok(),
        "development mode"
    );
}

#[test]
fn what_is_closed_has_somebody_who_can_open_it() {
    for access in [
        "publishers = \"key\"",
        "viewers = \"token\"\njwt_key_file = \"public.pem\"",
    ] {
        let said = from_toml(&format!("[access]\n{access}")).unwrap_err();
        assert!(said.contains("`access.api_token`"), "{said}");
        assert!(from_toml(&format!("[access]\n{API_TOKEN}{access}")).is_ok());
    }
    for (wrong, named) in [
        ("publishers = \"closed\"", "access.publishers"),
        ("viewers = \"key\"", "access.viewers"),
        ("jwt_algorithm = \"none\"", "access.jwt_algorithm"),
        ("jwt_lifetime_max = \"25h\"", "access.jwt_lifetime_max"),
        ("jwt_leeway = \"1h\"", "access.jwt_leeway"),
        ("wrong_delay = \"5s\"", "access.wrong_delay"),
        ("jwt_audience = \"\"", "access.jwt_audience"),
    ] {
        let said = from_toml(&format!("[access]\n{wrong}")).unwrap_err();
        assert!(said.contains(named), "{said}");
    }
}

#[test]
#[expect(
    clippy::result_large_err,
    reason = "the signature of figment's closure"
)]
fn files_of_secrets_are_read_and_their_mistakes_named() {
    Jail::expect_with(|jail| {
        jail.create_file(
            "tokens",
            "an-api-token-of-enough-characters\nanother-token-of-enough-characters\n",
        )?;
        jail.create_file("short", "short\n")?;
        jail.create_file("secret", &"s".repeat(32))?;
        let settings = |text: &str| {
            from_toml(text)
                .unwrap()
                .access
                .settings()
                .map_err(|error| error.to_string())
        };
        let good = settings("[access]\napi_token_file = \"tokens\"\njwt_algorithm = \"HS256\"\njwt_key_file = \"secret\"").unwrap();
        assert!(
            good.api_tokens.knows("another-token-of-enough-characters") && good.tokens.is_some()
        );
        for (wrong, named) in [
            ("api_token_file = \"missing\"", "access.api_token_file"),
            ("api_token_file = \"short\"", "openssl rand -base64 32"),
            ("api_token = \"short\"", "openssl rand -base64 32"),
            ("api_token = \" \"", "`access.api_token`: it is set"),
            ("api_token = \"\\n \\r\\n\\t\"", "openssl rand -base64 32"),
            (
                "api_token = \"a.token.with.dots.of.enough.characters\"",
                "`access.api_token`: an API token holds a dot",
            ),
            ("jwt_key_file = \"secret\"", "BEGIN PUBLIC KEY"),
            (
                "jwt_key_file = \"short\"\njwt_algorithm = \"HS256\"",
                "openssl rand -base64 48",
            ),
        ] {
            let said = settings(&format!("[access]\n{wrong}")).unwrap_err();
            assert!(said.contains(named), "{wrong}: {said}");
        }
        Ok(())
    });
}

#[test]
fn a_token_is_not_shown() {
    let config = from_toml(&format!("[access]\n{API_TOKEN}")).unwrap();
    let shown = format!("{config:?}{}", toml::to_string(&config).unwrap());
    assert!(
        !shown.contains("of-enough") && shown.contains("***"),
        "{shown}"
    );
}

#[test]
fn a_part_is_no_longer_than_a_segment() {
    let said = from_toml("[hls]\npart_target = \"3s\"").unwrap_err();
    assert!(
        said.contains("hls.part_target") && said.contains("hls.segment_target"),
        "{said}"
    );
    let said = from_toml("[cues]\ncards_max = 9").unwrap_err();
    assert!(said.contains("cues.cards_max"), "{said}");
}

#[test]
#[expect(
    clippy::result_large_err,
    reason = "the signature of figment's closure"
)]
fn the_environment_wins_over_the_file_and_names_its_own_mistakes() {
    Jail::expect_with(|jail| {
        jail.create_file(
            "shopcast.toml",
            "[cues]\nlead = \"400ms\"\n[rtmp]\napp = \"show\"",
        )?;
        jail.set_env("SHOPCAST_CUES__LEAD", "500ms");
        jail.set_env("SHOPCAST_RTMP__CONNECTIONS_MAX", "3");
        jail.set_env("SHOPCAST_BIN", "of the scripts, not a key");
        let config = Config::load(Some(Path::new("shopcast.toml"))).unwrap();
        assert_eq!(config.cues.lead, Span::millis(500));
        assert_eq!(
            (config.rtmp.app.as_str(), config.rtmp.connections_max),
            ("show", 3)
        );
        jail.set_env("SHOPCAST_CUES__LEED", "500ms");
        let said = Config::load(None).unwrap_err().to_string();
        assert!(said.contains("cues.leed"), "{said}");
        Ok(())
    });
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let said = Config::load(Some(Path::new("no/such/file.toml")))
        .unwrap_err()
        .to_string();
    assert!(said.contains("no/such/file.toml"), "{said}");
}
