//! What comes of what an encoder says: the operator's rules, and the one that applies.

use rtmp::{EncoderCue, EncoderMessage};

/// One rule: which message of an encoder does what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) message: EncoderMessage,
    /// The path of the property that is looked at.
    pub(crate) field: String,
    pub(crate) pattern: Pattern,
    pub(crate) action: Action,
    /// The name of prepared cues, or the card; none takes what the property says.
    pub(crate) name: Option<String>,
    /// Who publishes with a stream key may use it, too.
    pub(crate) stream_keys: bool,
}

/// What the property has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    Anything,
    Exactly(String),
    /// What follows is what the property says.
    Behind(String),
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Fire,
    Cue,
    Hide,
    Clear,
}

/// What a publisher may have done by its encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CueRight {
    /// It may insert cues by the API as well.
    Full,
    /// It publishes with a stream key: what the rules leave to those.
    ByRule,
    /// Nothing.
    None,
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Insert the cues prepared under this name.
    Fire(String),
    /// Insert the cue that this JSON asks for.
    Cue(String),
    /// Hide this card.
    Hide(String),
    /// Take every card off the screen.
    Clear,
}

/// Why nothing comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nothing {
    NoRule,
    NotAllowed,
}

/// What comes of a message: the first rule that fits says so.
pub(crate) fn deed(rules: &[Rule], right: CueRight, cue: &EncoderCue) -> Result<Deed, Nothing> {
    let fits = rules
        .iter()
        .find_map(|rule| Some((rule, rule.said(cue)?)))
        .ok_or(Nothing::NoRule)?;
    let (rule, said) = fits;
    let may = match right {
        CueRight::Full => true,
        CueRight::ByRule => rule.stream_keys,
        CueRight::None => false,
    };
    if !may {
        return Err(Nothing::NotAllowed);
    }
    let name = rule.name.clone().unwrap_or_else(|| said.to_owned());
    Ok(match rule.action {
        Action::Fire => Deed::Fire(name),
        Action::Cue => Deed::Cue(said.to_owned()),
        Action::Hide => Deed::Hide(name),
        Action::Clear => Deed::Clear,
    })
}

impl Rule {
    /// What the message says by this rule, if the rule fits.
    fn said<'a>(&self, cue: &'a EncoderCue) -> Option<&'a str> {
        if cue.message != self.message {
            return None;
        }
        let text = cue.field(&self.field)?.trim();
        match &self.pattern {
            Pattern::Anything => Some(text),
            Pattern::Exactly(wanted) => (text == wanted).then_some(text),
            Pattern::Behind(prefix) => text.strip_prefix(prefix.as_str()).map(str::trim),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(pattern: Pattern, action: Action, name: Option<&str>) -> Rule {
        Rule {
            message: EncoderMessage::TextData,
            field: "text".into(),
            pattern,
            action,
            name: name.map(Into::into),
            stream_keys: false,
        }
    }

    fn says(text: &str) -> EncoderCue {
        EncoderCue {
            message: EncoderMessage::TextData,
            at_ms: 0,
            fields: vec![("type".into(), "Text".into()), ("text".into(), text.into())],
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = [
            rule(
                Pattern::Exactly("fire all".into()),
                Action::Fire,
                Some("show"),
            ),
            rule(Pattern::Behind("fire".into()), Action::Fire, None),
            rule(Pattern::Behind("hide:".into()), Action::Hide, None),
            rule(Pattern::Exactly("clear".into()), Action::Clear, None),
            rule(Pattern::Behind("cue:".into()), Action::Cue, None),
        ];
        let done = |text: &str| deed(&rules, CueRight::Full, &says(text));
        assert_eq!(done("fire all"), Ok(Deed::Fire("show".into())));
        assert_eq!(done(" fire  mug\n"), Ok(Deed::Fire("mug".into())));
        assert_eq!(done("hide:mug"), Ok(Deed::Hide("mug".into())));
        assert_eq!(done("clear"), Ok(Deed::Clear));
        assert_eq!(
            done("cue: {\"op\":\"clear\"}"),
            Ok(Deed::Cue("{\"op\":\"clear\"}".into()))
        );
        assert_eq!(done("good evening"), Err(Nothing::NoRule));
        let mut point = says("clear");
        point.message = EncoderMessage::CuePoint;
        assert_eq!(deed(&rules, CueRight::Full, &point), Err(Nothing::NoRule));
    }

    #[test]
    fn who_has_a_stream_key_needs_a_rule_that_says_so() {
        let mut rules = [rule(Pattern::Anything, Action::Clear, None)];
        let done = |rules: &[Rule], right| deed(rules, right, &says("x"));
        assert_eq!(done(&rules, CueRight::ByRule), Err(Nothing::NotAllowed));
        assert_eq!(done(&rules, CueRight::Full), Ok(Deed::Clear));
        rules[0].stream_keys = true;
        assert_eq!(done(&rules, CueRight::ByRule), Ok(Deed::Clear));
        assert_eq!(done(&rules, CueRight::None), Err(Nothing::NotAllowed));
    }
}
