//! What a timeline is restored from, as bytes. Normative text: `docs/spec/saved-show.md`.
//!
//! Cues are their own bytes; here is what surrounds them. Only the process that wrote these, and those after it, read
//! them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use media::{Pts, UnixMillis};
use serde_json::{Value, json};

use super::{EncodedCue, object::Object, payload};
use crate::{
    error::Error,
    model::Op,
    payload::Payload,
    timeline::{Armed, At, CueRequest, Ends, Memory, Receipt},
};

/// A request, as it was asked.
pub fn request(request: &CueRequest) -> Vec<u8> {
    bytes(&request_json(request))
}

/// Reads what [`request`](fn@request) wrote.
///
/// # Errors
/// The first rule that the bytes break.
pub fn read_request(bytes: &[u8]) -> Result<CueRequest, Error> {
    request_of(&value(bytes)?)
}

/// An answer.
pub fn receipt(receipt: &Receipt) -> Vec<u8> {
    bytes(&receipt_json(receipt))
}

/// Reads what [`receipt`](fn@receipt) wrote.
///
/// # Errors
/// The first rule that the bytes break.
pub fn read_receipt(bytes: &[u8]) -> Result<Receipt, Error> {
    receipt_of(&value(bytes)?)
}

/// What stands under a name.
pub fn armed(armed: &Armed) -> Vec<u8> {
    bytes(&match armed {
        Armed::Waiting(requests) => {
            json!({"waiting": requests.iter().map(request_json).collect::<Vec<_>>()})
        }
        Armed::Fired(receipts) => {
            json!({"fired": receipts.iter().map(receipt_json).collect::<Vec<_>>()})
        }
    })
}

/// Reads what [`armed`](fn@armed) wrote.
///
/// # Errors
/// The first rule that the bytes break.
pub fn read_armed(bytes: &[u8]) -> Result<Armed, Error> {
    let value = value(bytes)?;
    let object = Object::new("armed", &value, &["waiting", "fired"])?;
    if let Ok(waiting) = object.get("waiting", "waiting") {
        let requests = list(waiting)?.iter().map(request_of);
        return Ok(Armed::Waiting(requests.collect::<Result<_, _>>()?));
    }
    let fired = list(object.get("fired", "fired")?)?;
    let receipts = fired.iter().map(receipt_of);
    Ok(Armed::Fired(receipts.collect::<Result<_, _>>()?))
}

/// When what a card offers ends.
pub fn ends(ends: Ends) -> Vec<u8> {
    bytes(&ends_json(ends))
}

/// Reads what [`ends`](fn@ends) wrote.
///
/// # Errors
/// The first rule that the bytes break.
pub fn read_ends(bytes: &[u8]) -> Result<Ends, Error> {
    ends_of(&value(bytes)?)
}

/// What is left of the cues that were forgotten.
pub fn memory(memory: &Memory) -> Vec<u8> {
    bytes(&json!({
        "forgotten_seq": memory.forgotten_seq,
        "horizon": memory.horizon.map(|pts| pts.0),
        "revs": memory.revs,
    }))
}

/// Reads what [`memory`](fn@memory) wrote.
///
/// # Errors
/// The first rule that the bytes break.
pub fn read_memory(bytes: &[u8]) -> Result<Memory, Error> {
    let value = value(bytes)?;
    let object = Object::new("memory", &value, &["forgotten_seq", "horizon", "revs"])?;
    let wrong = || broken("revs", "send an object of numbers");
    let revs = object.get("revs", "revs")?.as_object().ok_or_else(wrong)?;
    let rev = |(card, rev): (&String, &Value)| {
        let rev = rev.as_u64().and_then(|rev| u32::try_from(rev).ok());
        Ok((card.clone(), rev.ok_or_else(wrong)?))
    };
    Ok(Memory {
        forgotten_seq: object.whole("forgotten_seq", "forgotten_seq")?,
        horizon: object.nullable("horizon", || object.whole("horizon", "horizon").map(Pts))?,
        revs: revs
            .iter()
            .map(rev)
            .collect::<Result<BTreeMap<_, _>, Error>>()?,
    })
}

fn request_json(request: &CueRequest) -> Value {
    json!({
        "card_id": request.card_id,
        "op": request.op.as_str(),
        "duration_ns": request.duration.map(nanos),
        "kind": request.payload.as_ref().map(Payload::kind),
        "payload": request.payload,
        "at": at_json(request.at),
        "ends": request.ends.map(ends_json),
        "if_rev": request.if_rev,
        "idempotency_key": request.idempotency_key,
    })
}

fn request_of(value: &Value) -> Result<CueRequest, Error> {
    const KEYS: [&str; 9] = [
        "card_id",
        "op",
        "duration_ns",
        "kind",
        "payload",
        "at",
        "ends",
        "if_rev",
        "idempotency_key",
    ];
    let object = Object::new("request", value, &KEYS)?;
    let (kind, said) = (
        object.get("kind", "kind")?,
        object.get("payload", "payload")?,
    );
    Ok(CueRequest {
        card_id: object.text("card_id", "card_id")?.to_owned(),
        op: Op::parse(object.text("op", "op")?)?,
        duration: object.nullable("duration_ns", || span(&object, "duration_ns"))?,
        payload: payload::read(kind, said)?,
        at: at_of(object.get("at", "at")?)?,
        ends: object.nullable("ends", || ends_of(object.get("ends", "ends")?))?,
        if_rev: object.nullable("if_rev", || object.whole("if_rev", "if_rev"))?,
        idempotency_key: object.nullable("idempotency_key", || {
            let key = object.text("idempotency_key", "idempotency_key")?;
            Ok(key.to_owned())
        })?,
    })
}

fn receipt_json(receipt: &Receipt) -> Value {
    json!({
        "cue": receipt.cue.to_base64url(),
        "utc_ms": receipt.utc.0,
        "late_by_ms": receipt.late_by_ms,
    })
}

fn receipt_of(value: &Value) -> Result<Receipt, Error> {
    let object = Object::new("receipt", value, &["cue", "utc_ms", "late_by_ms"])?;
    let cue = EncodedCue::from_base64url(object.text("cue", "cue")?)?;
    Ok(Receipt {
        cue: Arc::new(cue),
        utc: UnixMillis(object.whole("utc_ms", "utc_ms")?),
        late_by_ms: object.whole("late_by_ms", "late_by_ms")?,
        replayed: false,
    })
}

fn at_json(at: At) -> Value {
    match at {
        At::Now => Value::Null,
        At::Pts(pts) => json!({"pts": pts.0}),
        At::Utc(utc) => json!({"utc_ms": utc.0}),
        At::After(span) => json!({"after_ns": nanos(span)}),
    }
}

fn at_of(value: &Value) -> Result<At, Error> {
    if value.is_null() {
        return Ok(At::Now);
    }
    Ok(match ends_of(value)? {
        Ends::Pts(pts) => At::Pts(pts),
        Ends::Utc(utc) => At::Utc(utc),
        Ends::After(span) => At::After(span),
    })
}

fn ends_json(ends: Ends) -> Value {
    match ends {
        Ends::Pts(pts) => json!({"pts": pts.0}),
        Ends::Utc(utc) => json!({"utc_ms": utc.0}),
        Ends::After(span) => json!({"after_ns": nanos(span)}),
    }
}

fn ends_of(value: &Value) -> Result<Ends, Error> {
    let object = Object::new("moment", value, &["pts", "utc_ms", "after_ns"])?;
    if let Ok(pts) = object.whole("pts", "pts") {
        return Ok(Ends::Pts(Pts(pts)));
    }
    if let Ok(utc) = object.whole("utc_ms", "utc_ms") {
        return Ok(Ends::Utc(UnixMillis(utc)));
    }
    span(&object, "after_ns").map(Ends::After)
}

/// Nanoseconds; 292 years at most, which is past every limit of a request.
fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

fn span(object: &Object<'_>, key: &'static str) -> Result<Duration, Error> {
    object.whole(key, key).map(Duration::from_nanos)
}

fn list(value: &Value) -> Result<&Vec<Value>, Error> {
    value
        .as_array()
        .ok_or_else(|| broken("armed", "send a list"))
}

fn broken(field: &'static str, remedy: &'static str) -> Error {
    Error::Field {
        field,
        problem: "is not what was saved",
        remedy,
    }
}

fn value(bytes: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::NotJson {
        column: error.column(),
    })
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
