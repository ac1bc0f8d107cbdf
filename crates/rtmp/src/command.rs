//! Commands: a name, a transaction number and arguments (RTMP 1.0 section 7.2).

use crate::{
    Error,
    amf0::{Value, decode_all},
    message::{COMMAND_AMF3, DATA_AMF3, Message},
};

/// A command from the peer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Command {
    pub(crate) name: String,
    /// 0 when no answer is expected.
    pub(crate) transaction: f64,
    /// After the transaction number: the command object (or null), then what else there is.
    arguments: Vec<Value>,
}

impl Command {
    pub(crate) fn parse(message: &Message) -> Result<Self, Error> {
        let mut values = values(message)?.into_iter();
        let Some(Value::String(name)) = values.next() else {
            return Err(Error::Amf {
                offset: 0,
                problem: "a command without a name",
            });
        };
        let transaction = values
            .next()
            .as_ref()
            .and_then(Value::as_number)
            .unwrap_or(0.0);
        Ok(Self {
            name,
            transaction,
            arguments: values.collect(),
        })
    }

    /// The argument at a place; 0 is the command object.
    pub(crate) fn argument(&self, index: usize) -> Option<&Value> {
        self.arguments.get(index)
    }
}

/// The values of a command or data message.
pub(crate) fn values(message: &Message) -> Result<Vec<Value>, Error> {
    let payload = match message.kind {
        // Enhanced RTMP v2, "AMF": a format byte 0 comes first, then AMF0, in which single values
        // may be AMF3 (refused by the decoder).
        COMMAND_AMF3 | DATA_AMF3 => message.payload.strip_prefix(&[0]).ok_or(Error::Amf {
            offset: 0,
            problem: "an AMF3 message whose format byte is not 0",
        })?,
        _ => &message.payload[..],
    };
    decode_all(payload)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::message::COMMAND_AMF0;

    fn parse(kind: u8, payload: &'static [u8]) -> Result<Command, Error> {
        let payload = Bytes::from_static(payload);
        Command::parse(&Message {
            kind,
            stream: 0,
            timestamp: 0,
            payload,
        })
    }

    #[test]
    fn amf3_commands_have_a_byte_before_the_same_values() {
        let plain = parse(
            COMMAND_AMF0,
            b"\x02\0\x01a\0\x40\0\0\0\0\0\0\0\x05\x02\0\x01b",
        )
        .unwrap();
        let amf3 = parse(
            COMMAND_AMF3,
            b"\0\x02\0\x01a\0\x40\0\0\0\0\0\0\0\x05\x02\0\x01b",
        );
        assert_eq!(amf3.unwrap(), plain);
        assert_eq!((plain.name.as_str(), plain.transaction), ("a", 2.0));
        assert_eq!(plain.argument(1).and_then(Value::as_str), Some("b"));
    }

    #[test]
    fn commands_without_a_name_are_refused() {
        assert!(parse(COMMAND_AMF0, b"").is_err());
        assert!(parse(COMMAND_AMF0, b"\x05").is_err());
        assert!(parse(COMMAND_AMF3, b"").is_err());
        assert!(parse(COMMAND_AMF3, b"\x02\0\x01a").is_err());
        assert_eq!(
            parse(COMMAND_AMF0, b"\x02\0\x01a").unwrap().transaction,
            0.0
        );
    }
}
