//! The rules of what cards say.

use super::{ensure, fail, name, text};
use crate::{
    error::Error,
    model::Cue,
    payload::{App, Coupon, FlashSale, Notice, Payload, Poll, Price, Product},
};

pub(super) fn check(payload: &Payload) -> Result<(), Error> {
    match payload {
        Payload::Product(product) => offer(&Offer {
            sku: &product.sku,
            title: &product.title,
            price: &product.price,
            prior_price: product.prior_price.as_ref(),
            image: product.image.as_deref(),
        }),
        Payload::FlashSale(sale) => flash_sale(sale),
        Payload::Coupon(coupon) => self::coupon(coupon),
        Payload::Poll(poll) => self::poll(poll),
        Payload::Notice(notice) => text("payload.text", &notice.text, Notice::TEXT_LEN_MAX),
        Payload::App(app) => self::app(app),
    }
}

fn flash_sale(sale: &FlashSale) -> Result<(), Error> {
    name("payload.sale", &sale.sale)?;
    offer(&Offer {
        sku: &sale.sku,
        title: &sale.title,
        price: &sale.price,
        prior_price: sale.prior_price.as_ref(),
        image: sale.image.as_deref(),
    })?;
    ends(sale.ends)
}

fn coupon(coupon: &Coupon) -> Result<(), Error> {
    text("payload.code", &coupon.code, Coupon::CODE_LEN_MAX)?;
    text("payload.title", &coupon.title, Product::TITLE_LEN_MAX)?;
    if let Some(terms) = &coupon.terms {
        text("payload.terms", terms, Coupon::TERMS_LEN_MAX)?;
    }
    ends(coupon.ends)
}

fn poll(poll: &Poll) -> Result<(), Error> {
    name("payload.poll", &poll.poll)?;
    text("payload.question", &poll.question, Product::TITLE_LEN_MAX)?;
    let fits = (Poll::OPTIONS_MIN..=Poll::OPTIONS_MAX).contains(&poll.options.len());
    ensure(
        fits,
        "payload.options",
        "are too few or too many",
        "send 2 to 6",
    )?;
    for option in &poll.options {
        text("payload.options", option, Poll::OPTION_LEN_MAX)?;
    }
    ends(poll.ends)
}

fn app(app: &App) -> Result<(), Error> {
    name("payload.schema", &app.schema)?;
    let field = "payload.data";
    let fits = app.data.len() <= App::DATA_LEN_MAX;
    ensure(fits, field, "is too long", "send at most 600 bytes of JSON")?;
    text(field, &app.data, App::DATA_LEN_MAX)?;
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&app.data).is_ok();
    ensure(
        is_json,
        field,
        "is not JSON",
        "send the text of one JSON value",
    )
}

fn ends(ends: Option<i64>) -> Result<(), Error> {
    let placed = |ends: i64| u64::try_from(ends).is_ok_and(|pts| pts <= Cue::NUMBER_MAX);
    ensure(
        ends.is_none_or(placed),
        "payload.ends",
        "is out of range",
        "send a pts from 0 to 2^53 - 1, or null",
    )
}

/// What a product card and a flash sale have in common.
struct Offer<'a> {
    sku: &'a str,
    title: &'a str,
    price: &'a Price,
    prior_price: Option<&'a Price>,
    image: Option<&'a str>,
}

fn offer(offer: &Offer<'_>) -> Result<(), Error> {
    text("payload.sku", offer.sku, Product::SKU_LEN_MAX)?;
    text("payload.title", offer.title, Product::TITLE_LEN_MAX)?;
    price("payload.price.minor", offer.price)?;
    if let Some(prior) = offer.prior_price {
        price("payload.prior_price.minor", prior)?;
        let same = prior.currency == offer.price.currency;
        let remedy = "send it in the currency of the price";
        ensure(
            same,
            "payload.prior_price.currency",
            "differs from the price's",
            remedy,
        )?;
    }
    offer.image.map_or(Ok(()), image)
}

fn price(field: &'static str, price: &Price) -> Result<(), Error> {
    let fits = (0..=Price::MINOR_MAX).contains(&price.minor);
    ensure(
        fits,
        field,
        "is out of range",
        "send 0 to 999999999999 minor units",
    )
}

/// An `https` URL, or a path on the page's own origin. Everything a browser would read as another
/// scheme or another origin is refused by form: `javascript:`, `//host`, a backslash, white space.
fn image(image: &str) -> Result<(), Error> {
    let fail = |problem| {
        fail(
            "payload.image",
            problem,
            "send an https URL or a path that starts with one slash",
        )
    };
    if image.len() > Product::IMAGE_LEN_MAX {
        return fail("is longer than 512 characters");
    }
    if !image.bytes().all(is_uri_byte) {
        return fail("has a character outside RFC 3986");
    }
    if let Some(rest) = image.strip_prefix("https://") {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        return if is_host(&rest[..end]) {
            Ok(())
        } else {
            fail("has no plain host")
        };
    }
    match image.as_bytes() {
        [b'/', b'/', ..] => fail("names another origin"),
        [b'/', ..] => Ok(()),
        _ => fail("is neither an https URL nor an absolute path"),
    }
}

/// RFC 3986 section 2: unreserved, reserved and the percent sign.
fn is_uri_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b)
}

/// A registered name or address with an optional port, without user information: RFC 3986 section
/// 3.2, of which a picture needs no more.
fn is_host(authority: &str) -> bool {
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
    let numeric = port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    !host.is_empty() && host.bytes().all(plain) && numeric && port.parse::<u16>().is_ok()
}
