//! What cards say, by kind.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::error::Error;

/// What a card says. In JSON its fields stand in the order in which they are declared here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Payload {
    /// A product for sale; counts towards the product cards that may show at once.
    Product(Product),
    /// A product at a price that ends; counts as a product card.
    FlashSale(FlashSale),
    /// A code that buys for less.
    Coupon(Coupon),
    /// A question with answers to choose from.
    Poll(Poll),
    /// A disclosure, a warning or another word from the seller.
    Notice(Notice),
    /// What a platform's own code makes of it.
    App(App),
}

impl Payload {
    /// Its `kind` in JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Product(_) => "product",
            Self::FlashSale(_) => "flash_sale",
            Self::Coupon(_) => "coupon",
            Self::Poll(_) => "poll",
            Self::Notice(_) => "notice",
            Self::App(_) => "app",
        }
    }

    /// Whether it counts towards the product cards that may show at once.
    pub const fn is_product(&self) -> bool {
        matches!(self, Self::Product(_) | Self::FlashSale(_))
    }

    /// Whether it may say when what it offers ends.
    pub const fn can_end(&self) -> bool {
        matches!(self, Self::FlashSale(_) | Self::Coupon(_) | Self::Poll(_))
    }

    /// The same, ending at this pts, if it is of a kind that ends.
    #[must_use]
    pub fn ending(mut self, at: i64) -> Self {
        let ends = match &mut self {
            Self::FlashSale(FlashSale { ends, .. })
            | Self::Coupon(Coupon { ends, .. })
            | Self::Poll(Poll { ends, .. }) => ends,
            Self::Product(_) | Self::Notice(_) | Self::App(_) => return self,
        };
        *ends = Some(at);
        self
    }

    /// Where its picture is.
    pub fn image(&self) -> Option<&str> {
        match self {
            Self::Product(product) => product.image.as_deref(),
            Self::FlashSale(sale) => sale.image.as_deref(),
            Self::Coupon(_) | Self::Poll(_) | Self::Notice(_) | Self::App(_) => None,
        }
    }
}

/// A product card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Product {
    /// The merchant's article number: 1 to 64 characters.
    pub sku: String,
    /// 1 to 120 characters of text. Never markup: players set it as text.
    pub title: String,
    /// What it costs now.
    pub price: Price,
    /// What it cost before, in the same currency; shown struck out.
    pub prior_price: Option<Price>,
    /// Where the picture is: an `https` URL, or an absolute path on the page's own origin. At most
    /// 512 characters of RFC 3986.
    pub image: Option<String>,
    /// Pieces left; `None`: not told.
    pub stock: Option<u32>,
}

impl Product {
    /// Longest image reference, characters: what leaves room for the rest in a cue.
    pub const IMAGE_LEN_MAX: usize = 512;
    /// Longest article number, characters.
    pub const SKU_LEN_MAX: usize = 64;
    /// Longest title, characters: two lines of a card.
    pub const TITLE_LEN_MAX: usize = 120;
}

/// A product at a price that ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlashSale {
    /// The sale's own name, which claims refer to: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    pub sale: String,
    /// As a product's.
    pub sku: String,
    /// As a product's.
    pub title: String,
    /// What it costs while the sale lasts.
    pub price: Price,
    /// As a product's.
    pub prior_price: Option<Price>,
    /// As a product's.
    pub image: Option<String>,
    /// As a product's.
    pub stock: Option<u32>,
    /// First pts at which the price no longer holds; players count down to it on the frame they
    /// show, so that the clock is the same on the same frame. `None`: not told.
    pub ends: Option<i64>,
}

/// A code that buys for less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coupon {
    /// What is typed at the checkout: 1 to 32 characters.
    pub code: String,
    /// What it gives: 1 to 120 characters.
    pub title: String,
    /// Under which conditions, 1 to 200 characters; `None`: none are told.
    pub terms: Option<String>,
    /// First pts at which it no longer holds, as a sale's.
    pub ends: Option<i64>,
}

impl Coupon {
    /// Longest code, characters.
    pub const CODE_LEN_MAX: usize = 32;
    /// Longest conditions, characters.
    pub const TERMS_LEN_MAX: usize = 200;
}

/// A question with answers to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Poll {
    /// The poll's own name, which votes refer to: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    pub poll: String,
    /// 1 to 120 characters.
    pub question: String,
    /// 2 to 6 answers of 1 to 60 characters.
    pub options: Vec<String>,
    /// First pts at which nobody may vote any more, as a sale's.
    pub ends: Option<i64>,
}

impl Poll {
    /// Fewest answers.
    pub const OPTIONS_MIN: usize = 2;
    /// Most answers.
    pub const OPTIONS_MAX: usize = 6;
    /// Longest answer, characters.
    pub const OPTION_LEN_MAX: usize = 60;
}

/// A word from the seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// How it is to be taken.
    pub level: Level,
    /// 1 to 240 characters.
    pub text: String,
}

impl Notice {
    /// Longest text, characters.
    pub const TEXT_LEN_MAX: usize = 240;
}

/// How a notice is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Good to know.
    Info,
    /// What the law or the platform asks a seller to say: advertising, affiliation, ingredients.
    Disclosure,
    /// What a viewer should heed.
    Warning,
}

impl Level {
    /// The level of this name.
    ///
    /// # Errors
    /// [`Error::Field`] for any other text.
    pub fn parse(name: &str) -> Result<Self, Error> {
        match name {
            "info" => Ok(Self::Info),
            "disclosure" => Ok(Self::Disclosure),
            "warning" => Ok(Self::Warning),
            _ => Err(Error::Field {
                field: "payload.level",
                problem: "is not a level",
                remedy: "send info, disclosure or warning",
            }),
        }
    }

    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Disclosure => "disclosure",
            Self::Warning => "warning",
        }
    }
}

/// What a platform's own code makes of it. Players hand it on and show nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct App {
    /// What `data` is, in the platform's words: 1 to 64 of `A-Z a-z 0-9 . _ -`, best its reversed
    /// domain and a version.
    pub schema: String,
    /// 1 to 600 bytes of JSON text, as text: one form of it for all, whoever reads it.
    pub data: String,
}

impl App {
    /// Longest data, bytes: what leaves room for the rest in a cue once its quotes are escaped.
    pub const DATA_LEN_MAX: usize = 600;
}

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Price {
    /// Minor units of the currency (cents): 0 to 999 999 999 999.
    pub minor: i64,
    /// Which currency.
    pub currency: Currency,
}

impl Price {
    /// Largest amount, minor units; exact in JavaScript, wide enough for any currency.
    pub const MINOR_MAX: i64 = 999_999_999_999;
}

/// An ISO 4217 alphabetic code, by form: three capital letters. Whether the code is assigned is for
/// whoever knows the list of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The code, if it has the form of one.
    ///
    /// # Errors
    /// [`Error::Field`] unless it is three letters A to Z.
    pub fn parse(code: &str) -> Result<Self, Error> {
        match code.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(Error::Field {
                field: "payload.price.currency",
                problem: "is not an ISO 4217 alphabetic code",
                remedy: "send three capital letters such as EUR",
            }),
        }
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("parse admits only ASCII letters")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
