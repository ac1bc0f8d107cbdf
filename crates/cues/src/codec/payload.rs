//! Reading what cards say.

use serde_json::Value;

use super::object::Object;
use crate::{
    error::Error,
    payload::{App, Coupon, Currency, FlashSale, Level, Notice, Payload, Poll, Price, Product},
};

pub(super) fn read(kind: &Value, value: &Value) -> Result<Option<Payload>, Error> {
    let payload = match (kind.as_str(), value) {
        (None, Value::Null) if kind.is_null() => return Ok(None),
        (Some("product"), value) => Payload::Product(product(value)?),
        (Some("flash_sale"), value) => Payload::FlashSale(flash_sale(value)?),
        (Some("coupon"), value) => Payload::Coupon(coupon(value)?),
        (Some("poll"), value) => Payload::Poll(poll(value)?),
        (Some("notice"), value) => Payload::Notice(notice(value)?),
        (Some("app"), value) => Payload::App(app(value)?),
        (None | Some(_), _) => {
            return Err(Error::Field {
                field: "kind",
                problem: "is not a kind of payload",
                remedy: "send product, flash_sale, coupon, poll, notice or app, or null for both kind and payload",
            });
        }
    };
    Ok(Some(payload))
}

fn product(value: &Value) -> Result<Product, Error> {
    const KEYS: [&str; 6] = ["sku", "title", "price", "prior_price", "image", "stock"];
    let product = Object::new("payload", value, &KEYS)?;
    Ok(Product {
        sku: owned(&product, "sku", "payload.sku")?,
        title: owned(&product, "title", "payload.title")?,
        price: price(&product)?,
        prior_price: prior_price(&product)?,
        image: optional(&product, "image", "payload.image")?,
        stock: product.nullable("stock", || product.whole("stock", "payload.stock"))?,
    })
}

fn flash_sale(value: &Value) -> Result<FlashSale, Error> {
    const KEYS: [&str; 8] = [
        "sale",
        "sku",
        "title",
        "price",
        "prior_price",
        "image",
        "stock",
        "ends",
    ];
    let sale = Object::new("payload", value, &KEYS)?;
    Ok(FlashSale {
        sale: owned(&sale, "sale", "payload.sale")?,
        sku: owned(&sale, "sku", "payload.sku")?,
        title: owned(&sale, "title", "payload.title")?,
        price: price(&sale)?,
        prior_price: prior_price(&sale)?,
        image: optional(&sale, "image", "payload.image")?,
        stock: sale.nullable("stock", || sale.whole("stock", "payload.stock"))?,
        ends: ends(&sale)?,
    })
}

fn coupon(value: &Value) -> Result<Coupon, Error> {
    let coupon = Object::new("payload", value, &["code", "title", "terms", "ends"])?;
    Ok(Coupon {
        code: owned(&coupon, "code", "payload.code")?,
        title: owned(&coupon, "title", "payload.title")?,
        terms: optional(&coupon, "terms", "payload.terms")?,
        ends: ends(&coupon)?,
    })
}

fn poll(value: &Value) -> Result<Poll, Error> {
    let poll = Object::new("payload", value, &["poll", "question", "options", "ends"])?;
    let field = "payload.options";
    let wrong = Error::Field {
        field,
        problem: "is not a list of texts",
        remedy: "send a JSON array of strings",
    };
    let options = poll.get("options", field)?.as_array().map(|options| {
        let text = |option: &Value| option.as_str().map(str::to_owned);
        options.iter().map(text).collect::<Option<Vec<_>>>()
    });
    Ok(Poll {
        poll: owned(&poll, "poll", "payload.poll")?,
        question: owned(&poll, "question", "payload.question")?,
        options: options.flatten().ok_or(wrong)?,
        ends: ends(&poll)?,
    })
}

fn notice(value: &Value) -> Result<Notice, Error> {
    let notice = Object::new("payload", value, &["level", "text"])?;
    Ok(Notice {
        level: Level::parse(notice.text("level", "payload.level")?)?,
        text: owned(&notice, "text", "payload.text")?,
    })
}

fn app(value: &Value) -> Result<App, Error> {
    let app = Object::new("payload", value, &["schema", "data"])?;
    Ok(App {
        schema: owned(&app, "schema", "payload.schema")?,
        data: owned(&app, "data", "payload.data")?,
    })
}

fn price(object: &Object<'_>) -> Result<Price, Error> {
    amount(
        object.get("price", "payload.price")?,
        "payload.price",
        ["payload.price.minor", "payload.price.currency"],
    )
}

fn prior_price(object: &Object<'_>) -> Result<Option<Price>, Error> {
    object.nullable("prior_price", || {
        amount(
            object.get("prior_price", "payload.prior_price")?,
            "payload.prior_price",
            ["payload.prior_price.minor", "payload.prior_price.currency"],
        )
    })
}

fn amount(value: &Value, path: &'static str, fields: [&'static str; 2]) -> Result<Price, Error> {
    let [minor, currency] = fields;
    let price = Object::new(path, value, &["minor", "currency"])?;
    Ok(Price {
        minor: price.whole("minor", minor)?,
        currency: Currency::parse(price.text("currency", currency)?)?,
    })
}

fn ends(object: &Object<'_>) -> Result<Option<i64>, Error> {
    object.nullable("ends", || object.whole("ends", "payload.ends"))
}

fn owned(object: &Object<'_>, key: &str, field: &'static str) -> Result<String, Error> {
    object.text(key, field).map(str::to_owned)
}

fn optional(object: &Object<'_>, key: &str, field: &'static str) -> Result<Option<String>, Error> {
    object.nullable(key, || owned(object, key, field))
}
