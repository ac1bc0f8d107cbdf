//! `rtmp.cue_rules`: what comes of what an encoder says.

use rtmp::EncoderMessage;
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    encoder_cues::rules::{Action, Pattern, Rule},
};

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CueRule {
    /// `onTextData` or `onCuePoint`.
    pub message: String,
    /// The property that is looked at; none means `text` and `name`.
    #[serde(default)]
    pub field: String,
    /// What it must say; none means anything.
    #[serde(default)]
    pub equals: String,
    /// What it must begin with; the rest counts.
    #[serde(default)]
    pub prefix: String,
    /// `fire`, `cue`, `hide` or `clear`.
    pub action: String,
    /// The name of prepared cues or of a card; none means what the property says.
    #[serde(default)]
    pub name: String,
    /// Holds for who publishes with a stream key, too.
    #[serde(default)]
    pub stream_keys: bool,
}

impl CueRule {
    /// All the rules.
    ///
    /// # Errors
    /// One is not usable; the error names it and what to change.
    pub(crate) fn resolve_all(rules: &[Self]) -> Result<Vec<Rule>, Error> {
        if rules.len() > RULES_MAX {
            let count = rules.len();
            return Err(Error::Config(format!(
                "`rtmp.cue_rules` has {count} entries, at most {RULES_MAX} are looked at"
            )));
        }
        let one = |(index, rule): (usize, &Self)| {
            let wrong = |wrong| Error::Config(format!("`rtmp.cue_rules` [{index}]: {wrong}"));
            rule.resolve().map_err(wrong)
        };
        rules.iter().enumerate().map(one).collect()
    }

    fn resolve(&self) -> Result<Rule, String> {
        let message = EncoderMessage::named(&self.message)
            .ok_or("`message` must be onTextData or onCuePoint")?;
        let action = match self.action.as_str() {
            "fire" => Action::Fire,
            "cue" => Action::Cue,
            "hide" => Action::Hide,
            "clear" => Action::Clear,
            _ => return Err("`action` must be fire, cue, hide or clear".into()),
        };
        let pattern = match (self.equals.as_str(), self.prefix.as_str()) {
            ("", "") => Pattern::Anything,
            (wanted, "") => Pattern::Exactly(wanted.into()),
            ("", prefix) => Pattern::Behind(prefix.into()),
            _ => return Err("`equals` and `prefix` exclude each other; leave one out".into()),
        };
        let named = !self.name.is_empty();
        if named && matches!(action, Action::Cue | Action::Clear) {
            return Err(format!("`name` means nothing for `{}`", self.action));
        }
        let field = match (self.field.as_str(), message) {
            ("", EncoderMessage::TextData) => "text",
            ("", EncoderMessage::CuePoint) => "name",
            (field, _) => field,
        };
        Ok(Rule {
            message,
            field: field.into(),
            pattern,
            action,
            name: named.then(|| self.name.clone()),
            stream_keys: self.stream_keys,
        })
    }
}

const RULES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(toml: &str) -> Result<Rule, String> {
        let rule: CueRule = toml::from_str(toml).map_err(|error| error.to_string())?;
        let mut rules = CueRule::resolve_all(&[rule]).map_err(|error| error.to_string())?;
        Ok(rules.remove(0))
    }

    #[test]
    fn a_rule_looks_at_the_usual_property() {
        let rule = resolve("message = \"onCuePoint\"\naction = \"fire\"").unwrap();
        assert_eq!((rule.field.as_str(), rule.name), ("name", None));
        assert_eq!((rule.pattern, rule.stream_keys), (Pattern::Anything, false));
        let rule = resolve(
            "message = \"onTextData\"\nprefix = \"fire \"\naction = \"fire\"\nstream_keys = true",
        );
        let rule = rule.unwrap();
        assert_eq!(rule.field, "text");
        assert_eq!(rule.pattern, Pattern::Behind("fire ".into()));
        assert!(rule.stream_keys);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (toml, said) in [
            ("message = \"onFI\"\naction = \"fire\"", "[0]: `message`"),
            ("message = \"onTextData\"\naction = \"shout\"", "`action`"),
            (
                "message = \"onTextData\"\naction = \"fire\"\nequals = \"a\"\nprefix = \"b\"",
                "`prefix`",
            ),
            (
                "message = \"onTextData\"\naction = \"clear\"\nname = \"a\"",
                "`name`",
            ),
            (
                "message = \"onTextData\"\naction = \"fire\"\ncolour = 1",
                "`colour`",
            ),
        ] {
            let wrong = resolve(toml).unwrap_err();
            assert!(wrong.contains(said), "{wrong}");
        }
    }
}
