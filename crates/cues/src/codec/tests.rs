//! The rules of docs/spec/cue.md, one field at a time.

use super::*;
use crate::payload::{Currency, Price, Product};

fn product() -> Product {
    Product {
        sku: "A1".to_owned(),
        title: "Mug".to_owned(),
        price: Price {
            minor: 1299,
            currency: Currency::parse("EUR").unwrap(),
        },
        prior_price: None,
        image: None,
        stock: Some(5),
    }
}

fn show() -> Cue {
    Cue {
        stream: "demo".to_owned(),
        epoch: 1,
        seq: 7,
        card_id: "c1".to_owned(),
        rev: 1,
        op: Op::Show,
        pts: Pts(123_456),
        duration: Some(900_000),
        payload: Some(Payload::Product(product())),
        target: None,
    }
}

fn with(change: impl FnOnce(&mut Product)) -> Cue {
    let mut product = product();
    change(&mut product);
    Cue {
        payload: Some(Payload::Product(product)),
        ..show()
    }
}

const SHOW: &str = concat!(
    r#"{"v":1,"stream":"demo","epoch":1,"seq":7,"card_id":"c1","rev":1,"op":"show","pts":123456,"#,
    r#""duration":900000,"kind":"product","payload":{"sku":"A1","title":"Mug","#,
    r#""price":{"minor":1299,"currency":"EUR"},"prior_price":null,"image":null,"stock":5}}"#,
);

#[track_caller]
fn assert_field(result: Result<EncodedCue, Error>, field: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.field(), Some(field), "{error}");
}

#[test]
fn the_bytes_are_compact_json_in_the_agreed_order() {
    let encoded = encode(show()).unwrap();
    assert_eq!(encoded.as_str(), SHOW);
    assert_eq!(decode(SHOW.as_bytes()).unwrap(), encoded);
    assert_eq!(
        EncodedCue::from_base64url(&encoded.to_base64url()).unwrap(),
        encoded
    );
}

#[test]
fn a_hide_has_neither_kind_nor_payload() {
    let hide = Cue {
        op: Op::Hide,
        duration: None,
        payload: None,
        ..show()
    };
    let text = encode(hide).unwrap();
    assert!(
        text.as_str()
            .ends_with(r#""duration":null,"kind":null,"payload":null}"#)
    );
    assert_eq!(decode(&text.bytes).unwrap(), text);
}

#[test]
fn names_and_numbers_have_limits() {
    let long = "x".repeat(65);
    for name in ["", "a b", "ä", "a/b", "\"", &long] {
        assert_field(
            encode(Cue {
                stream: name.to_owned(),
                ..show()
            }),
            "stream",
        );
        assert_field(
            encode(Cue {
                card_id: name.to_owned(),
                ..show()
            }),
            "card_id",
        );
    }
    let longest = "Az09._-".repeat(9) + "x";
    encode(Cue {
        stream: longest.clone(),
        card_id: longest,
        ..show()
    })
    .unwrap();
    assert_field(encode(Cue { epoch: 0, ..show() }), "epoch");
    assert_field(encode(Cue { seq: 0, ..show() }), "seq");
    assert_field(
        encode(Cue {
            seq: 1 << 53,
            ..show()
        }),
        "seq",
    );
    assert_field(encode(Cue { rev: 0, ..show() }), "rev");
    assert_field(
        encode(Cue {
            pts: Pts(-1),
            ..show()
        }),
        "pts",
    );
    assert_field(
        encode(Cue {
            pts: Pts(1 << 53),
            ..show()
        }),
        "pts",
    );
    encode(Cue {
        seq: (1 << 53) - 1,
        pts: Pts((1 << 53) - 1),
        ..show()
    })
    .unwrap();
}

#[test]
fn only_a_show_or_an_update_has_a_payload_and_a_duration() {
    for op in [Op::Show, Op::Update] {
        assert_field(
            encode(Cue {
                op,
                payload: None,
                ..show()
            }),
            "payload",
        );
        for duration in [-1, 0, 89, 24 * 3600 * 90_000 + 1] {
            assert_field(
                encode(Cue {
                    op,
                    duration: Some(duration),
                    ..show()
                }),
                "duration",
            );
        }
        for duration in [None, Some(90), Some(24 * 3600 * 90_000)] {
            encode(Cue {
                op,
                duration,
                ..show()
            })
            .unwrap();
        }
    }
    for (op, card_id) in [(Op::Hide, "c1"), (Op::Clear, "")] {
        let bare = Cue {
            op,
            card_id: card_id.to_owned(),
            duration: None,
            payload: None,
            ..show()
        };
        encode(bare.clone()).unwrap();
        assert_field(
            encode(Cue {
                payload: show().payload,
                ..bare.clone()
            }),
            "payload",
        );
        assert_field(
            encode(Cue {
                duration: Some(90),
                ..bare
            }),
            "duration",
        );
    }
    let clear = Cue {
        op: Op::Clear,
        duration: None,
        payload: None,
        ..show()
    };
    assert_field(encode(clear), "card_id");
}

#[test]
fn text_is_text_and_does_not_rearrange_what_stands_beside_it() {
    for bad in [
        "",
        " \u{a0}\u{feff}",
        "a\nb",
        "a\0b",
        "a\u{7f}",
        "a\u{9b}",
        "\u{202e}9.99",
        "a\u{2066}b",
        "a\u{2028}b",
    ] {
        assert_field(
            encode(with(|it| it.title = bad.to_owned())),
            "payload.title",
        );
        assert_field(encode(with(|it| it.sku = bad.to_owned())), "payload.sku");
    }
    for good in [
        "<b>&amp;\"'\\",
        "مرحبا\u{200f}!",
        "👩\u{200d}🍳",
        "javascript:alert(1)",
        "{\"v\":1}",
    ] {
        let encoded = encode(with(|it| it.title = good.to_owned())).unwrap();
        assert_eq!(decode(&encoded.bytes).unwrap(), encoded);
    }
    encode(with(|it| it.title = "ß".repeat(120))).unwrap();
    assert_field(
        encode(with(|it| it.title = "ß".repeat(121))),
        "payload.title",
    );
    encode(with(|it| it.sku = "ß".repeat(64))).unwrap();
    assert_field(encode(with(|it| it.sku = "ß".repeat(65))), "payload.sku");
}

#[test]
fn a_picture_is_fetched_over_https_or_from_the_same_origin() {
    let longest = format!("/{}", "a".repeat(511));
    let good = [
        "https://cdn.example/a.jpg",
        "https://cdn.example:8443/a?b=c#d",
        "https://192.0.2.1",
        "/",
        "/img/a%20b.png?w=2&h=3",
        &longest,
    ];
    for image in good {
        encode(with(|it| it.image = Some(image.to_owned()))).unwrap();
    }
    let too_long = format!("/{}", "a".repeat(512));
    let bad = [
        "",
        "a.png",
        "./a.png",
        "//evil.example/a.png",
        "/\\evil.example",
        "\\\\evil.example",
        "http://cdn.example/a.png",
        "HTTPS://cdn.example",
        "javascript:alert(1)",
        "data:image/png;base64,AA==",
        "https:///a.png",
        "https://",
        "https://user@evil.example/",
        "https://a:b@evil.example/",
        "https://evil.example:+80/",
        "https://evil.example:99999/",
        "https://evil.example:000443/",
        "https://evil.example:/",
        "https://ex ample/",
        "https://bücher.example/",
        "/a b.png",
        "/a\tb.png",
        "/a\"onerror=x",
        "/<svg>",
        &too_long,
    ];
    for image in bad {
        assert_field(
            encode(with(|it| it.image = Some(image.to_owned()))),
            "payload.image",
        );
    }
}

#[test]
fn money_is_minor_units_and_a_code() {
    for minor in [-1, Price::MINOR_MAX + 1] {
        assert_field(
            encode(with(|it| it.price.minor = minor)),
            "payload.price.minor",
        );
        let prior = |it: &mut Product| it.prior_price = Some(Price { minor, ..it.price });
        assert_field(encode(with(prior)), "payload.prior_price.minor");
    }
    for minor in [0, Price::MINOR_MAX] {
        encode(with(|it| it.price.minor = minor)).unwrap();
    }
    for code in ["", "EU", "EURO", "eur", "E1R", "€€€"] {
        assert_eq!(
            Currency::parse(code).unwrap_err().field(),
            Some("payload.price.currency")
        );
    }
    let dollars = Price {
        minor: 1,
        currency: Currency::parse("USD").unwrap(),
    };
    let mixed = encode(with(|it| it.prior_price = Some(dollars)));
    assert_field(mixed, "payload.prior_price.currency");
}

#[test]
fn a_cue_past_1024_bytes_is_refused_both_ways() {
    let long = with(|it| {
        it.title = "🦀".repeat(120);
        it.image = Some(format!("/{}", "a".repeat(511)));
    });
    assert!(matches!(encode(long), Err(Error::TooLong { len, max: 1024 }) if len > 1024));
    let padded = SHOW.to_owned() + &" ".repeat(1024);
    assert!(matches!(
        decode(padded.as_bytes()),
        Err(Error::TooLong { .. })
    ));
    assert!(matches!(
        decode(&vec![b'['; 1 << 20]),
        Err(Error::TooLong { .. })
    ));
    assert!(matches!(
        EncodedCue::from_base64url(&"A".repeat(1369)),
        Err(Error::TooLong { .. })
    ));
    let exact = with(|it| {
        it.title = "🦀".repeat(100);
        it.image = Some("/".to_owned());
    });
    let room = ENCODED_LEN_MAX - encode(exact.clone()).unwrap().bytes.len();
    let Some(Payload::Product(mut product)) = exact.payload else {
        unreachable!()
    };
    product.image = Some(format!("/{}", "a".repeat(room)));
    let fitted = encode(Cue {
        payload: Some(Payload::Product(product)),
        ..show()
    })
    .unwrap();
    assert_eq!(fitted.bytes.len(), ENCODED_LEN_MAX);
    assert_eq!(
        EncodedCue::from_base64url(&fitted.to_base64url()).unwrap(),
        fitted
    );
}

#[test]
fn every_key_is_needed_and_no_other_is_known() {
    let keys = [
        "v", "stream", "epoch", "seq", "card_id", "rev", "op", "pts", "duration", "kind", "payload",
    ];
    let value: Value = serde_json::from_str(SHOW).unwrap();
    for key in keys {
        let mut map = value.as_object().unwrap().clone();
        map.remove(key).unwrap();
        assert_field(decode(&serde_json::to_vec(&map).unwrap()), key);
    }
    for (key, path) in [
        ("sku", "payload.sku"),
        ("title", "payload.title"),
        ("price", "payload.price"),
        ("prior_price", "payload.prior_price"),
        ("image", "payload.image"),
        ("stock", "payload.stock"),
    ] {
        let mut value = value.clone();
        value["payload"]
            .as_object_mut()
            .unwrap()
            .remove(key)
            .unwrap();
        assert_field(decode(&serde_json::to_vec(&value).unwrap()), path);
    }
    for place in ["", "/payload", "/payload/price"] {
        let mut value = value.clone();
        let object = value.pointer_mut(place).unwrap().as_object_mut().unwrap();
        object.insert("url".to_owned(), "https://evil.example".into());
        assert_field(decode(&serde_json::to_vec(&value).unwrap()), "url");
    }
}

#[test]
fn a_wrong_type_is_named_with_its_field() {
    let value: Value = serde_json::from_str(SHOW).unwrap();
    let fields = [
        "v",
        "stream",
        "epoch",
        "seq",
        "card_id",
        "rev",
        "op",
        "pts",
        "duration",
        "kind",
        "payload",
        "payload.sku",
        "payload.title",
        "payload.price",
        "payload.price.minor",
        "payload.price.currency",
        "payload.prior_price",
        "payload.image",
        "payload.stock",
    ];
    for field in fields {
        for wrong in [Value::Bool(true), 1.5.into(), Value::Array(Vec::new())] {
            let mut value = value.clone();
            *value
                .pointer_mut(&format!("/{}", field.replace('.', "/")))
                .unwrap() = wrong;
            assert_field(decode(&serde_json::to_vec(&value).unwrap()), field);
        }
    }
}

#[test]
fn a_cue_has_one_form_only() {
    for (from, to) in [
        (r#""v":1,"#, r#""v": 1,"#),
        (r#""Mug""#, r#""\u004dug""#),
        (r#""stock":5"#, r#""stock":4,"stock":5"#),
        (r#""epoch":1,"seq":7"#, r#""seq":7,"epoch":1"#),
        ("}}", "}}\n"),
    ] {
        let other = SHOW.replace(from, to);
        assert_ne!(other, SHOW);
        assert!(
            matches!(decode(other.as_bytes()), Err(Error::NotCanonical { .. })),
            "{other}"
        );
    }
    for number in ["1e5", "123456.0", "-0", "99999999999999999999"] {
        assert_field(decode(SHOW.replace("123456", number).as_bytes()), "pts");
    }
}

#[test]
fn bytes_that_are_no_json_are_refused() {
    let cut = &SHOW.as_bytes()[..SHOW.len() - 1];
    for bytes in [&b""[..], b"{", b"\xff\xfe", b"nul", cut, &[b'['; 1024]] {
        assert!(matches!(decode(bytes), Err(Error::NotJson { .. })));
    }
    let invalid_utf8 = [SHOW.as_bytes()[..190].to_vec(), b"\xc3\x28".to_vec()].concat();
    assert!(matches!(decode(&invalid_utf8), Err(Error::NotJson { .. })));
    assert_field(decode(b"[]"), "cue");
    assert!(matches!(
        EncodedCue::from_base64url("+/=="),
        Err(Error::Carrier { .. })
    ));
}
