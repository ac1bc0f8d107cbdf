//! Who may do what: credentials, policies, and one function that decides.
//!
//! | part | what it is | source |
//! |---|---|---|
//! | [`StreamKey`] | what a broadcaster types into an encoder; names its stream | |
//! | [`ApiTokens`] | what an operator's or a platform's back end sends; allows everything | RFC 6750 |
//! | [`Claims`] | what a platform signs for one viewer, publisher or host | RFC 7519, RFC 8725 |
//! | [`PublishName`] | the three of them as RTMP encoders can carry them | |
//! | [`Policy`] | what a route needs | |
//! | [`Throttle`] | wrong credentials are answered late, and not for ever | |
//!
//! [`decide`] takes a policy, a credential, the operator's [`Settings`] and the time. A stream key is known only to
//! whoever stores keys, so for one of those the decision is [`Decision::LookUp`], and [`decide_key`] ends it.
//!
//! Nothing here reads a clock, a file or a socket, makes random bits, or knows of HTTP.

#[doc(hidden)]
pub mod fuzz;
mod key;
mod policy;
mod publish;
mod refusal;
mod secret;
mod throttle;
mod token;

pub use key::{KeyHash, KeyRecord, StreamKey};
pub use policy::{
    Asked, Decision, Grant, Policy, Publishers, SessionOf, Settings, Viewers, decide, decide_key,
};
pub use publish::{PublishName, PublishNameError};
pub use refusal::Refusal;
pub use secret::{ApiTokens, SecretError};
pub use throttle::{Throttle, ThrottleConfig, network};
pub use token::{Action, Algorithm, Claims, KeyError, Signer, TokenRules, Verifier};
