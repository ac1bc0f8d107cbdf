//! Webhooks by Standard Webhooks 1.0.0: what is signed and how, when an attempt is due, in which order, and to which
//! addresses one may go at all.
//!
//! | module | source |
//! |---|---|
//! | [`Secret`] | "Signature scheme" and "Webhook headers" |
//! | [`EventType`], [`Lifecycle`] | "Event types" |
//! | [`Outcome`] | "Delivery success and failure" |
//! | [`Dispatcher`] | "Deliverability and reliability" |
//! | [`Scope`] | "Server side request forgery", the IANA special-purpose address registries |
//!
//! The loop: [`Dispatcher::handle_input`] or [`Dispatcher::handle_timeout`], then [`Dispatcher::poll_output`] until it
//! is empty, then sleep until [`Dispatcher::poll_timeout`]. Times are those of the wall clock, because a retry must keep
//! its time over a restart.
//!
//! It does not know HTTP, JSON, the database or the shape of a payload.

mod dispatcher;
mod event;
mod outcome;
mod schedule;
mod scope;
mod secret;

pub use dispatcher::{
    Config, DeliveryId, Dispatcher, EndpointId, Input, Output, Queued, Reason, Record, State,
};
pub use event::{EventType, Happening, Lifecycle, Told};
pub use outcome::{Outcome, retry_after};
pub use schedule::{ORDERED_ATTEMPTS, SCHEDULE};
pub use scope::Scope;
pub use secret::{Secret, SecretError};
