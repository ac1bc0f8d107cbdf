//! What anybody may send to be let in: signed tokens, their claims, and publish names of RTMP encoders.

/// A token, byte for byte.
pub fn token(data: &[u8]) {
    access::fuzz::token(data);
}

/// The claims of a token that is signed right.
pub fn claims(data: &[u8]) {
    access::fuzz::claims(data);
}

/// A stream key as an encoder was given it, with its query.
pub fn publish_name(data: &[u8]) {
    access::fuzz::publish_name(data);
}
