//! What the server says to a publisher's commands (RTMP 1.0 section 7.2, Enhanced RTMP v2).

use crate::{
    amf0::{Value, encode_all},
    flv::{audio, video},
    message::{COMMAND_AMF0, Message},
};

/// `_result` to connect: what we are and what we take.
pub(crate) fn connected(transaction: f64) -> Message {
    let properties = Value::object([
        ("fmsVer", Value::string("FMS/3,5,7,7009")),
        ("capabilities", Value::Number(31.0)),
    ]);
    // Enhanced RTMP v2, "Enhancing NetConnection connect Command". FourCCs are those that the readers
    // of tags take; OBS and FFmpeg send them without asking.
    let video = video::Codec::ALL.map(|(_, name)| name);
    let audio = audio::Codec::ALL.map(|(_, name)| name);
    let all = video.iter().chain(&audio);
    let information = Value::object([
        ("level", Value::string("status")),
        ("code", Value::string("NetConnection.Connect.Success")),
        ("description", Value::string("Connection succeeded.")),
        ("objectEncoding", Value::Number(0.0)),
        ("capsEx", Value::Number(CAPS_MOD_EX)),
        (
            "fourCcList",
            Value::StrictArray(all.copied().map(Value::string).collect()),
        ),
        ("videoFourCcInfoMap", forwarded(video)),
        ("audioFourCcInfoMap", forwarded(audio)),
    ]);
    command(0, "_result", transaction, [properties, information])
}

fn forwarded<const N: usize>(names: [&str; N]) -> Value {
    Value::object(names.map(|name| (name, Value::Number(CAN_FORWARD))))
}

/// `_result` without a value.
pub(crate) fn done(transaction: f64) -> Message {
    command(0, "_result", transaction, [Value::Null, Value::Undefined])
}

/// `_result` to createStream.
pub(crate) fn created(transaction: f64, stream: u32) -> Message {
    command(
        0,
        "_result",
        transaction,
        [Value::Null, Value::Number(stream.into())],
    )
}

/// `_error`: the command has failed, the session goes on.
pub(crate) fn failed(transaction: f64, code: &str, description: &str) -> Message {
    let information = information("error", code, description);
    command(0, "_error", transaction, [Value::Null, information])
}

/// `onFCPublish` or `onFCUnpublish`, which old encoders wait for.
pub(crate) fn on_fc(name: &str, code: &str) -> Message {
    let information = Value::object([("code", Value::string(code))]);
    command(0, name, 0.0, [Value::Null, information])
}

/// `onStatus` of a stream, level "status" or "error".
pub(crate) fn on_status(stream: u32, level: &str, code: &str, description: &str) -> Message {
    let information = information(level, code, description);
    command(stream, "onStatus", 0.0, [Value::Null, information])
}

fn information(level: &str, code: &str, description: &str) -> Value {
    Value::object([
        ("level", Value::string(level)),
        ("code", Value::string(code)),
        ("description", Value::string(description)),
    ])
}

fn command(stream: u32, name: &str, transaction: f64, arguments: [Value; 2]) -> Message {
    let [first, second] = arguments;
    let values = [
        Value::string(name),
        Value::Number(transaction),
        first,
        second,
    ];
    Message {
        kind: COMMAND_AMF0,
        stream,
        timestamp: 0,
        payload: encode_all(&values),
    }
}

/// Enhanced RTMP v2, `capsEx`: ModEx packets are understood. Not: reconnect requests, multitrack.
const CAPS_MOD_EX: f64 = 4.0;
/// Enhanced RTMP v2, `FourCcInfoMask`.
const CAN_FORWARD: f64 = 4.0;
