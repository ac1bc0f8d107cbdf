//! The body of a cue request, and its way into the engine's terms.

use std::time::Duration;

use cues::{CueRequest, Currency, Op, Payload, Price, Product};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    at::At,
    problem::{Kind, Problem},
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
    /// What the card says; needed for show and update, not allowed for the others.
    payload: Option<ProductBody>,
    /// Refuse (409) unless this is the card's newest revision; 0: unless the card is new.
    if_rev: Option<u32>,
}

/// Kinds of payload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PayloadKind {
    /// A product for sale.
    #[default]
    Product,
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
}

/// A product card's content.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductBody {
    /// The merchant's article number.
    #[schema(example = "MUG-RED", min_length = 1, max_length = 64)]
    pub(super) sku: String,
    /// Text, never markup.
    #[schema(example = "Enamel mug", min_length = 1, max_length = 120)]
    pub(super) title: String,
    /// What it costs now.
    pub(super) price: PriceBody,
    /// What it cost before, in the same currency.
    pub(super) prior_price: Option<PriceBody>,
    /// An `https` URL, or an absolute path on the page's own origin.
    #[schema(max_length = 512)]
    pub(super) image: Option<String>,
    /// Pieces left; null: not told.
    pub(super) stock: Option<u32>,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceBody {
    /// Minor units of the currency (cents).
    #[schema(example = 1299, minimum = 0, maximum = 999_999_999_999_i64)]
    pub(super) minor: i64,
    /// ISO 4217 alphabetic code.
    #[schema(example = "EUR", pattern = "^[A-Z]{3}$")]
    pub(super) currency: String,
}

impl CueBody {
    /// The request in the engine's terms.
    pub(crate) fn into_request(self, key: Option<String>) -> Result<CueRequest, Problem> {
        let PayloadKind::Product = self.kind;
        let payload = self.payload.map(ProductBody::into_product).transpose()?;
        Ok(CueRequest {
            card_id: self.card_id,
            op: self.op.into(),
            duration: self.duration_ms.map(Duration::from_millis),
            payload: payload.map(Payload::Product),
            at: self.at.into_at()?,
            if_rev: self.if_rev,
            idempotency_key: key,
        })
    }
}

impl ProductBody {
    fn into_product(self) -> Result<Product, Problem> {
        Ok(Product {
            sku: self.sku,
            title: self.title,
            price: self.price.into_price("payload.price.currency")?,
            prior_price: self
                .prior_price
                .map(|price| price.into_price("payload.prior_price.currency"))
                .transpose()?,
            image: self.image,
            stock: self.stock,
        })
    }
}

impl PriceBody {
    fn into_price(self, field: &str) -> Result<Price, Problem> {
        let currency = Currency::parse(&self.currency).map_err(|_| {
            let detail = format!(
                "`{field}` is not an ISO 4217 alphabetic code; send three capital letters such as EUR"
            );
            Problem::new(Kind::InvalidField, detail)
        })?;
        Ok(Price {
            minor: self.minor,
            currency,
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
        body.into_request(None)
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
        body["kind"] = json!("poll");
        assert!(request(body).unwrap_err().contains("`poll`"));
        let mut body = show();
        body["payload"]["prior_price"] = json!({"minor": 1, "currency": "euro"});
        assert!(
            request(body)
                .unwrap_err()
                .contains("payload.prior_price.currency")
        );
    }
}
