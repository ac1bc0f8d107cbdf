//! What cards say, as the API takes and shows it: version 1 of each kind.

use std::time::Duration;

use cues::{App, Coupon, Currency, Ends, FlashSale, Level, Notice, Payload, Poll, Price, Product};
use media::Pts;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    at::parse_utc,
    problem::{Kind, Problem},
};

/// Kinds of payload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PayloadKind {
    /// A product for sale.
    #[default]
    Product,
    /// A product at a price that ends.
    FlashSale,
    /// A code that buys for less.
    Coupon,
    /// A question with answers to choose from.
    Poll,
    /// A disclosure, a warning or another word from the seller.
    Notice,
    /// What a platform's own code makes of it.
    App,
}

/// What a card says, by its kind. Text is never markup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum PayloadBody {
    Product(ProductBody),
    FlashSale(FlashSaleBody),
    Coupon(CouponBody),
    Poll(PollBody),
    Notice(NoticeBody),
    App(AppBody),
}

/// A product card's content.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductBody {
    /// The merchant's article number.
    #[schema(example = "MUG-RED", min_length = 1, max_length = 64)]
    sku: String,
    /// Text, never markup.
    #[schema(example = "Enamel mug", min_length = 1, max_length = 120)]
    title: String,
    /// What it costs now.
    price: PriceBody,
    /// What it cost before, in the same currency.
    prior_price: Option<PriceBody>,
    /// An `https` URL at a host of `cues.image_hosts`, or an absolute path on the page's own origin.
    #[schema(max_length = 512)]
    image: Option<String>,
    /// Pieces left; null: not told.
    stock: Option<u32>,
}

/// A flash sale's content.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlashSaleBody {
    /// The sale's own name, which claims refer to.
    #[schema(example = "mug-friday", pattern = "^[A-Za-z0-9._-]{1,64}$")]
    sale: String,
    /// The merchant's article number.
    #[schema(example = "MUG-RED", min_length = 1, max_length = 64)]
    sku: String,
    /// Text, never markup.
    #[schema(example = "Enamel mug", min_length = 1, max_length = 120)]
    title: String,
    /// What it costs while the sale lasts.
    price: PriceBody,
    /// What it cost before, in the same currency.
    prior_price: Option<PriceBody>,
    /// As a product's.
    #[schema(max_length = 512)]
    image: Option<String>,
    /// Pieces left; null: not told.
    stock: Option<u32>,
    /// When the price no longer holds; players count down to it. Null: not told.
    ends: Option<EndsBody>,
}

/// A coupon's content.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CouponBody {
    /// What is typed at the checkout.
    #[schema(example = "MUG-10", min_length = 1, max_length = 32)]
    code: String,
    /// What it gives.
    #[schema(example = "10 % off every mug", min_length = 1, max_length = 120)]
    title: String,
    /// Under which conditions.
    #[schema(min_length = 1, max_length = 200)]
    terms: Option<String>,
    /// When it no longer holds; null: not told.
    ends: Option<EndsBody>,
}

/// A poll's content.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PollBody {
    /// The poll's own name, which votes refer to.
    #[schema(example = "colour", pattern = "^[A-Za-z0-9._-]{1,64}$")]
    poll: String,
    #[schema(example = "Which colour next?", min_length = 1, max_length = 120)]
    question: String,
    /// Answers to choose from, of 1 to 60 characters each.
    #[schema(min_items = 2, max_items = 6)]
    options: Vec<String>,
    /// When nobody may vote any more; null: not told.
    ends: Option<EndsBody>,
}

/// A notice's content.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoticeBody {
    /// How it is to be taken.
    level: LevelName,
    #[schema(min_length = 1, max_length = 240)]
    text: String,
}

/// How a notice is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LevelName {
    /// Good to know.
    Info,
    /// What the law or the platform asks a seller to say.
    Disclosure,
    /// What a viewer should heed.
    Warning,
}

/// A platform's own content; players hand it on and show nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppBody {
    /// What `data` is, in the platform's words; best its reversed domain and a version.
    #[schema(example = "com.example.quiz-1", pattern = "^[A-Za-z0-9._-]{1,64}$")]
    schema: String,
    /// Any JSON value of at most 600 bytes.
    #[schema(value_type = Object)]
    data: Value,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceBody {
    /// Minor units of the currency (cents).
    #[schema(example = 1299, minimum = 0, maximum = 999_999_999_999_i64)]
    minor: i64,
    /// ISO 4217 alphabetic code.
    #[schema(example = "EUR", pattern = "^[A-Z]{3}$")]
    currency: String,
}

/// When what a card offers ends, by one of these; in answers always by `pts`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum EndsBody {
    /// 90 kHz ticks on the stream's timeline.
    Pts(i64),
    /// RFC 3339: what is live at this moment.
    Utc(String),
    /// Milliseconds after the cue's threshold.
    AfterMs(u64),
}

/// What a payload says, and when it ends where that is still to be told.
type Read = (Payload, Option<Ends>);

impl PayloadKind {
    /// The payload of this kind in the engine's terms.
    pub(super) fn read(self, payload: Value) -> Result<Read, Problem> {
        match self {
            Self::Product => Ok((
                Payload::Product(body::<ProductBody>(payload)?.read()?),
                None,
            )),
            Self::FlashSale => body::<FlashSaleBody>(payload)?.read(),
            Self::Coupon => body::<CouponBody>(payload)?.read(),
            Self::Poll => body::<PollBody>(payload)?.read(),
            Self::Notice => Ok((body::<NoticeBody>(payload)?.read(), None)),
            Self::App => Ok((body::<AppBody>(payload)?.read(), None)),
        }
    }
}

fn body<T: DeserializeOwned>(payload: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(payload).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." {
            String::new()
        } else {
            format!(".{path}")
        };
        let detail = format!("`payload{place}`: {}", error.into_inner());
        Problem::new(Kind::InvalidField, detail)
    })
}

impl ProductBody {
    fn read(self) -> Result<Product, Problem> {
        Ok(Product {
            sku: self.sku,
            title: self.title,
            price: self.price.read("payload.price.currency")?,
            prior_price: self
                .prior_price
                .map(|price| price.read("payload.prior_price.currency"))
                .transpose()?,
            image: self.image,
            stock: self.stock,
        })
    }
}

impl FlashSaleBody {
    fn read(self) -> Result<Read, Problem> {
        let offer = ProductBody {
            sku: self.sku,
            title: self.title,
            price: self.price,
            prior_price: self.prior_price,
            image: self.image,
            stock: self.stock,
        };
        let product = offer.read()?;
        let sale = FlashSale {
            sale: self.sale,
            sku: product.sku,
            title: product.title,
            price: product.price,
            prior_price: product.prior_price,
            image: product.image,
            stock: product.stock,
            ends: None,
        };
        Ok((Payload::FlashSale(sale), ends(self.ends)?))
    }
}

impl CouponBody {
    fn read(self) -> Result<Read, Problem> {
        let coupon = Coupon {
            code: self.code,
            title: self.title,
            terms: self.terms,
            ends: None,
        };
        Ok((Payload::Coupon(coupon), ends(self.ends)?))
    }
}

impl PollBody {
    fn read(self) -> Result<Read, Problem> {
        let poll = Poll {
            poll: self.poll,
            question: self.question,
            options: self.options,
            ends: None,
        };
        Ok((Payload::Poll(poll), ends(self.ends)?))
    }
}

impl NoticeBody {
    fn read(self) -> Payload {
        Payload::Notice(Notice {
            level: match self.level {
                LevelName::Info => Level::Info,
                LevelName::Disclosure => Level::Disclosure,
                LevelName::Warning => Level::Warning,
            },
            text: self.text,
        })
    }
}

impl AppBody {
    fn read(self) -> Payload {
        Payload::App(App {
            schema: self.schema,
            data: self.data.to_string(),
        })
    }
}

impl PriceBody {
    fn read(self, field: &str) -> Result<Price, Problem> {
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

fn ends(ends: Option<EndsBody>) -> Result<Option<Ends>, Problem> {
    let read = |ends| match ends {
        EndsBody::Pts(pts) => Ok(Ends::Pts(Pts(pts))),
        EndsBody::Utc(text) => parse_utc("payload.ends.utc", &text).map(Ends::Utc),
        EndsBody::AfterMs(ms) => Ok(Ends::After(Duration::from_millis(ms))),
    };
    ends.map(read).transpose()
}

impl From<&Payload> for PayloadBody {
    fn from(payload: &Payload) -> Self {
        let ends = |ends: Option<i64>| ends.map(EndsBody::Pts);
        match payload.clone() {
            Payload::Product(product) => Self::Product(ProductBody {
                sku: product.sku,
                title: product.title,
                price: product.price.into(),
                prior_price: product.prior_price.map(Into::into),
                image: product.image,
                stock: product.stock,
            }),
            Payload::FlashSale(sale) => Self::FlashSale(FlashSaleBody {
                sale: sale.sale,
                sku: sale.sku,
                title: sale.title,
                price: sale.price.into(),
                prior_price: sale.prior_price.map(Into::into),
                image: sale.image,
                stock: sale.stock,
                ends: ends(sale.ends),
            }),
            Payload::Coupon(coupon) => Self::Coupon(CouponBody {
                code: coupon.code,
                title: coupon.title,
                terms: coupon.terms,
                ends: ends(coupon.ends),
            }),
            Payload::Poll(poll) => Self::Poll(PollBody {
                poll: poll.poll,
                question: poll.question,
                options: poll.options,
                ends: ends(poll.ends),
            }),
            Payload::Notice(notice) => Self::Notice(NoticeBody {
                level: match notice.level {
                    Level::Info => LevelName::Info,
                    Level::Disclosure => LevelName::Disclosure,
                    Level::Warning => LevelName::Warning,
                },
                text: notice.text,
            }),
            Payload::App(app) => Self::App(AppBody {
                schema: app.schema,
                // A cue's data is JSON, or it would be none.
                data: serde_json::from_str(&app.data).unwrap_or(Value::Null),
            }),
        }
    }
}

impl From<Price> for PriceBody {
    fn from(price: Price) -> Self {
        Self {
            minor: price.minor,
            currency: price.currency.as_str().into(),
        }
    }
}
