//! The body of a cue request, and its way into the engine's terms.

use std::time::Duration;

use cues::{CueRequest, Op, Payload};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    at::At,
    cue_payload::{PayloadBody, PayloadKind},
    extract::parse_json,
    image_hosts::ImageHosts,
    problem::Problem,
};

/// One change of what is on screen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CueBody {
    /// The caller's own name of the card: 1 to 64 of `A-Z a-z 0-9 . _ -`; a clear needs none.
    #[serde(default)]
    #[schema(example = "mug-1", max_length = 64)]
    card_id: String,
    /// What the payload is.
    #[serde(default)]
    kind: PayloadKind,
    /// What to do.
    op: OpName,
    /// When; never before the newest frame and the lead.
    #[serde(default)]
    at: At,
    /// How long the card stays, 1 ms to 24 h; null: until it is hidden (show), end unchanged (update).
    #[schema(minimum = 1, maximum = 86_400_000)]
    duration_ms: Option<u64>,
    /// What the card says, by `kind`; needed for show and update, not allowed for the others.
    #[schema(value_type = Option<PayloadBody>)]
    payload: Option<serde_json::Value>,
    /// Refuse (409) unless this is the card's newest revision; 0: unless the card is new.
    if_rev: Option<u32>,
}

/// What a cue does to the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OpName {
    /// Puts the card on screen.
    Show,
    /// Replaces what a card on screen says.
    Update,
    /// Takes the card off the screen.
    Hide,
    /// Takes every card off the screen.
    Clear,
    /// Takes a cue back; in answers only.
    Cancel,
}

impl CueBody {
    /// The request that `json` makes, at `at` where it names no other time; or what is wrong with it.
    pub(crate) fn parse(
        json: &str,
        at: cues::At,
        hosts: &ImageHosts,
    ) -> Result<CueRequest, String> {
        let read = parse_json(json.as_bytes()).and_then(|body: Self| {
            let names_a_time = body.at != At::Now;
            let mut request = body.into_request(None, hosts)?;
            if !names_a_time {
                request.at = at;
            }
            Ok(request)
        });
        read.map_err(|problem: Problem| problem.detail().to_owned())
    }

    /// The request in the engine's terms. Pictures may come from `hosts`.
    pub(crate) fn into_request(
        self,
        key: Option<String>,
        hosts: &ImageHosts,
    ) -> Result<CueRequest, Problem> {
        let payload = self.payload.map(|payload| self.kind.read(payload));
        let (payload, ends) = payload.transpose()?.unzip();
        if let Some(image) = payload.as_ref().and_then(Payload::image) {
            hosts.check(image)?;
        }
        Ok(CueRequest {
            card_id: self.card_id,
            op: self.op.into(),
            duration: self.duration_ms.map(Duration::from_millis),
            payload,
            at: self.at.into_at()?,
            ends: ends.flatten(),
            if_rev: self.if_rev,
            idempotency_key: key,
        })
    }
}

impl From<OpName> for Op {
    fn from(name: OpName) -> Self {
        match name {
            OpName::Show => Self::Show,
            OpName::Update => Self::Update,
            OpName::Hide => Self::Hide,
            OpName::Clear => Self::Clear,
            OpName::Cancel => Self::Cancel,
        }
    }
}

impl From<Op> for OpName {
    fn from(op: Op) -> Self {
        match op {
            Op::Show => Self::Show,
            Op::Update => Self::Update,
            Op::Hide => Self::Hide,
            Op::Clear => Self::Clear,
            Op::Cancel => Self::Cancel,
        }
    }
}

#[cfg(test)]
mod tests {
    use media::Pts;
    use serde_json::json;

    use super::*;

    fn request(body: serde_json::Value) -> Result<CueRequest, String> {
        let body: CueBody = serde_json::from_value(body).map_err(|error| error.to_string())?;
        body.into_request(None, &ImageHosts::new(&["img.example".into()]))
            .map_err(|problem| format!("{problem:?}"))
    }

    fn show() -> serde_json::Value {
        json!({
            "card_id": "c1", "kind": "product", "op": "show", "at": "now", "duration_ms": 5000,
            "payload": {
                "sku": "A1", "title": "Mug", "price": {"minor": 1299, "currency": "EUR"},
                "prior_price": null, "image": null, "stock": 5,
            },
        })
    }

    #[test]
    fn a_full_body_becomes_a_request() {
        let request = request(show()).unwrap();
        assert_eq!((request.card_id.as_str(), request.op), ("c1", Op::Show));
        assert_eq!(request.duration, Some(Duration::from_secs(5)));
        let Some(Payload::Product(product)) = request.payload else {
            panic!()
        };
        assert_eq!(
            (product.price.minor, product.price.currency.as_str()),
            (1299, "EUR")
        );
        assert_eq!((product.prior_price, product.stock), (None, Some(5)));
    }

    #[test]
    fn every_kind_is_read_and_shown_as_it_was_sent() {
        let price = json!({"minor": 1299, "currency": "EUR"});
        let ends = json!({"pts": 90_000});
        let kinds = [
            ("product", show()["payload"].clone()),
            (
                "flash_sale",
                json!({
                    "sale": "friday", "sku": "A1", "title": "Mug", "price": price, "prior_price": null,
                    "image": "https://img.example/mug.png", "stock": 3, "ends": ends,
                }),
            ),
            (
                "coupon",
                json!({"code": "MUG-10", "title": "10 % off", "terms": "Once", "ends": ends}),
            ),
            (
                "poll",
                json!({"poll": "colour", "question": "Which?", "options": ["Red", "Blue"], "ends": null}),
            ),
            (
                "notice",
                json!({"level": "disclosure", "text": "Advertisement"}),
            ),
            (
                "app",
                json!({"schema": "com.example.quiz-1", "data": {"q": "who?", "n": [1, 2.5, null]}}),
            ),
        ];
        for (kind, payload) in kinds {
            let mut body = show();
            body["kind"] = json!(kind);
            body["payload"] = payload.clone();
            let asked = request(body.clone()).unwrap();
            let read = asked.payload.unwrap();
            assert_eq!(read.kind(), kind);
            let read = match asked.ends {
                Some(cues::Ends::Pts(pts)) => read.ending(pts.0),
                _ => read,
            };
            let shown = serde_json::to_value(PayloadBody::from(&read)).unwrap();
            assert_eq!(shown, payload, "{kind}");
            body["payload"]["html"] = json!("<b>");
            assert!(request(body).unwrap_err().contains("`html`"), "{kind}");
        }
    }

    #[test]
    fn a_payload_of_another_kind_and_an_end_that_is_none_are_named() {
        let mut body = show();
        body["kind"] = json!("notice");
        assert!(request(body).unwrap_err().contains("payload"));
        let mut body = show();
        body["kind"] = json!("coupon");
        for (ends, said) in [
            (json!({"utc": "soon"}), "payload.ends.utc"),
            (
                json!({"pts": 1, "utc": "2026-11-21T18:00:00Z"}),
                "payload.ends",
            ),
            (json!("soon"), "payload.ends"),
        ] {
            body["payload"] = json!({"code": "A", "title": "B", "terms": null, "ends": ends});
            let error = request(body.clone()).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn what_an_encoder_asks_for_is_placed_where_it_said_it() {
        let (at, hosts) = (cues::At::Pts(Pts(90_000)), ImageHosts::default());
        let read = |json: &str| CueBody::parse(json, at, &hosts);
        assert_eq!(read(r#"{"op": "clear"}"#).unwrap().at, at);
        let later = read(r#"{"op": "clear", "at": {"after_ms": 5}}"#).unwrap();
        assert_eq!(later.at, cues::At::After(Duration::from_millis(5)));
        assert!(read(r#"{"op": "shout"}"#).unwrap_err().contains("`op`"));
        assert!(read("clear").is_err());
    }

    #[test]
    fn a_clear_needs_nothing_but_its_name() {
        let request = request(json!({"op": "clear"})).unwrap();
        assert_eq!((request.op, request.at), (Op::Clear, cues::At::Now));
    }

    #[test]
    fn every_form_of_at_is_read() {
        let at = |at: serde_json::Value| {
            let mut body = show();
            body["at"] = at;
            request(body).map(|request| request.at)
        };
        assert_eq!(at(json!({"pts": 90_000})), Ok(cues::At::Pts(Pts(90_000))));
        assert_eq!(
            at(json!({"after_ms": 250})),
            Ok(cues::At::After(Duration::from_millis(250)))
        );
        let utc = at(json!({"utc": "1970-01-01T00:00:01.500Z"}));
        assert_eq!(utc, Ok(cues::At::Utc(media::UnixMillis(1500))));
        for wrong in [
            json!("soon"),
            json!({}),
            json!({"pts": 1, "after_ms": 1}),
            json!(5),
            json!({"at": 1}),
        ] {
            let said = at(wrong.clone()).unwrap_err();
            assert!(
                said.contains("pts") && said.contains("after_ms"),
                "{wrong}: {said}"
            );
        }
        assert!(
            at(json!({"utc": "yesterday"}))
                .unwrap_err()
                .contains("at.utc")
        );
        assert!(at(json!({"after_ms": -1})).is_err());
    }

    #[test]
    fn unknown_fields_and_values_are_named() {
        let mut body = show();
        body["payload"]["colour"] = json!("red");
        assert!(request(body).unwrap_err().contains("`colour`"));
        let mut body = show();
        body["kind"] = json!("lottery");
        assert!(request(body).unwrap_err().contains("`lottery`"));
        let mut body = show();
        body["payload"]["image"] = json!("https://elsewhere.example/mug.png");
        assert!(request(body).unwrap_err().contains("cues.image_hosts"));
        let mut body = show();
        body["payload"]["prior_price"] = json!({"minor": 1, "currency": "euro"});
        assert!(
            request(body)
                .unwrap_err()
                .contains("payload.prior_price.currency")
        );
    }
}
