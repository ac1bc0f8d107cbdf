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

#[test]
fn listening_beyond_loopback_is_refused_by_key() {
    for (section, key) in [
        ("http", "http.listen"),
        ("rtmp", "rtmp.listen"),
        ("webrtc", "webrtc.listen"),
    ] {
        let said = from_toml(&format!("[{section}]\nlisten = \"0.0.0.0:9\"")).unwrap_err();
        assert!(
            said.contains(key) && said.contains("no tokens yet"),
            "{said}"
        );
    }
    assert!(from_toml("[http]\nlisten = \"[::1]:9\"").is_ok());
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
