//! Chunks as senders write them, and as they should not.

use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::{chunk::Writer, message::AUDIO};

fn reader() -> Reader {
    Reader::new(Limits::from(&Config::default()))
}

fn read_all(reader: &mut Reader, bytes: &[u8]) -> Result<Vec<Message>, Error> {
    reader.push(Bytes::copy_from_slice(bytes));
    let mut messages = Vec::new();
    while let Some(message) = reader.next()? {
        messages.push(message);
    }
    Ok(messages)
}

fn video(timestamp: u32, payload: Vec<u8>) -> Message {
    Message {
        kind: VIDEO,
        stream: 1,
        timestamp,
        payload: payload.into(),
    }
}

#[test]
fn deltas_add_up_and_fmt_3_repeats_them() {
    let bytes = [
        &[0x04, 0, 0, 100, 0, 0, 1, AUDIO, 1, 0, 0, 0, b'a'][..],
        &[0x44, 0, 0, 20, 0, 0, 2, AUDIO, b'b', b'b'],
        &[0x84, 0, 0, 5, b'c', b'c'],
        &[0xc4, b'd', b'd'],
    ]
    .concat();
    let got = read_all(&mut reader(), &bytes).unwrap();
    let stamps: Vec<_> = got.iter().map(|message| message.timestamp).collect();
    assert_eq!(stamps, [100, 120, 125, 130]);
    assert!(
        got.iter()
            .all(|message| message.stream == 1 && message.kind == AUDIO)
    );
}

#[test]
fn a_new_message_by_fmt_3_after_fmt_0_takes_the_timestamp_as_delta() {
    let bytes = [
        &[0x04, 0, 0, 40, 0, 0, 1, AUDIO, 1, 0, 0, 0, b'a'][..],
        &[0xc4, b'b'],
    ]
    .concat();
    let got = read_all(&mut reader(), &bytes).unwrap();
    assert_eq!(got[1].timestamp, 80);
}

#[test]
fn interleaved_streams_are_kept_apart() {
    let bytes = [
        &[0x01, 0, 1, 0, 0, 0, 0, 0, 4, VIDEO, 1, 0, 0, 0, 1, 2][..],
        &[0x04, 0, 0, 0, 0, 0, 3, AUDIO, 1, 0, 0, 0, 7, 8],
        &[0xc1, 0, 1, 3, 4],
        &[0xc4, 9],
    ]
    .concat();
    let mut reader = reader();
    reader.chunk_size = 2;
    let got = read_all(&mut reader, &bytes).unwrap();
    assert_eq!(got[0].payload, &[1, 2, 3, 4][..]);
    assert_eq!(got[1].payload, &[7, 8, 9][..]);
    assert_eq!(reader.reserved, 0);
}

#[test]
fn extended_timestamps_may_be_repeated_or_not() {
    let first = [
        0x04, 0xff, 0xff, 0xff, 0, 0, 6, VIDEO, 1, 0, 0, 0, 0x01, 0, 0, 5, 1, 2, 3,
    ];
    let time = [0x01, 0, 0, 5];
    for payload in [[4, 5, 6], [1, 0, 0]] {
        let repeated = [&first[..], &[0xc4], &time, &payload].concat();
        let omitted = [&first[..], &[0xc4], &payload].concat();
        for bytes in [repeated, omitted] {
            for cut in 0..bytes.len() {
                let mut reader = reader();
                reader.chunk_size = 3;
                let mut got = read_all(&mut reader, &bytes[..cut]).unwrap();
                got.extend(read_all(&mut reader, &bytes[cut..]).unwrap());
                // A payload that could still become the timestamp waits for what follows it.
                got.extend(read_all(&mut reader, &[0xc4]).unwrap());
                assert_eq!(got.len(), 1, "{bytes:?} cut at {cut}");
                assert_eq!(got[0].payload, [&[1, 2, 3][..], &payload].concat());
                assert_eq!(got[0].timestamp, 0x0100_0005);
            }
        }
    }
}

#[test]
fn a_repeated_absolute_time_behind_an_extended_delta_is_known() {
    let bytes = [
        &[0x04, 0, 0, 9, 0, 0, 1, VIDEO, 1, 0, 0, 0, 0][..],
        &[0x44, 0xff, 0xff, 0xff, 0, 0, 4, VIDEO, 0x01, 0, 0, 0, 1, 2],
        &[0xc4, 0x01, 0, 0, 9, 3, 4],
    ]
    .concat();
    let mut reader = reader();
    reader.chunk_size = 2;
    let got = read_all(&mut reader, &bytes).unwrap();
    assert_eq!(got[1].payload, &[1, 2, 3, 4][..]);
}

#[test]
fn chunk_size_and_abort_act_at_once() {
    let mut writer = Writer::new();
    let mut bytes = BytesMut::new();
    writer.put_control(&mut bytes, Control::SetChunkSize(1000));
    bytes.extend_from_slice(&[0x04, 0, 0, 0, 0, 4, 0, VIDEO, 1, 0, 0, 0]);
    bytes.extend_from_slice(&[1; 1000]);
    writer.put_control(&mut bytes, Control::Abort(4));
    writer.put(&mut bytes, 4, &video(7, vec![2; 1000]));
    let mut reader = reader();
    let got = read_all(&mut reader, &bytes).unwrap();
    assert_eq!(got, [video(7, vec![2; 1000])]);
    assert_eq!(reader.reserved, 0);
}

#[test]
fn chunk_sizes_outside_the_standard_end_the_session() {
    for (size, ok) in [
        (0_u32, false),
        (1, true),
        (0x7fff_ffff, true),
        (0x8000_0000, false),
    ] {
        let mut bytes = vec![0x02, 0, 0, 0, 0, 0, 4, SET_CHUNK_SIZE, 0, 0, 0, 0];
        bytes.extend(size.to_be_bytes());
        assert_eq!(read_all(&mut reader(), &bytes).is_ok(), ok, "{size}");
    }
}

#[test]
fn chunks_that_refer_to_nothing_are_refused() {
    for bytes in [&[0xc4][..], &[0x84, 0, 0, 5], &[0xc1, 9, 9]] {
        assert!(matches!(
            read_all(&mut reader(), bytes),
            Err(Error::Chunk { .. })
        ));
    }
    // librtmp's first ping response: fmt 1 on chunk stream 2.
    let ping = [0x42, 0, 0, 0, 0, 0, 6, 4, 0, 7, 0, 0, 0, 1];
    assert_eq!(read_all(&mut reader(), &ping).unwrap()[0].stream, 0);
}

#[test]
fn a_message_inside_a_message_of_its_own_stream_is_refused() {
    let bytes = [0x04, 0, 0, 0, 0, 1, 0, VIDEO, 1, 0, 0, 0];
    let whole = [&bytes[..], &[0; 128], &bytes].concat();
    assert!(matches!(
        read_all(&mut reader(), &whole),
        Err(Error::Chunk { csid: 4, .. })
    ));
}

#[test]
fn memory_follows_the_bytes_and_ends_at_the_limit() {
    let mut reader = reader();
    let begin = |csid: u8| [csid, 0, 0, 0, 0x7f, 0xff, 0xff, VIDEO, 1, 0, 0, 0];
    for csid in 3..60 {
        read_all(&mut reader, &begin(csid)).unwrap();
        // The chunk stays unfinished, so the next header has to wait for its end.
        read_all(&mut reader, &[0; 128]).unwrap();
    }
    assert!(reader.reserved <= 57 * BODY_MIN);
    let mut outcome = Ok(Vec::new());
    for _ in 0..200_000 {
        outcome = read_all(&mut reader, &[&[0xc3][..], &[0; 128]].concat());
        if outcome.is_err() {
            break;
        }
        assert!(reader.reserved <= reader.limits.unfinished_bytes_max);
        if reader.streams[&3].body.is_none() {
            read_all(&mut reader, &begin(3)).unwrap();
            read_all(&mut reader, &[0; 128]).unwrap();
        }
        for csid in 4..8 {
            let _ = read_all(&mut reader, &[&[0xc0 | csid][..], &[0; 128]].concat());
        }
    }
    assert!(matches!(
        outcome,
        Err(Error::Limit {
            what: "memory of unfinished messages",
            ..
        })
    ));
}

#[test]
fn chunk_streams_are_counted() {
    let mut reader = reader();
    for csid in 0..64_u8 {
        let bytes = [0x00, csid, 0, 0, 0, 0, 0, 1, AUDIO, 1, 0, 0, 0, 9];
        read_all(&mut reader, &bytes).unwrap();
    }
    let one_more = [0x00, 64, 0, 0, 0, 0, 0, 1, AUDIO, 1, 0, 0, 0, 9];
    let outcome = read_all(&mut reader, &one_more);
    assert!(matches!(
        outcome,
        Err(Error::Limit {
            what: "number of chunk streams",
            ..
        })
    ));
}

#[test]
fn message_lengths_are_limited_by_type() {
    let long = [0x04, 0, 0, 0, 0x04, 0x00, 0x01, AUDIO, 1, 0, 0, 0];
    assert!(matches!(
        read_all(&mut reader(), &long),
        Err(Error::Limit { value: 262_145, .. })
    ));
    let longest = [0x04, 0, 0, 0, 0xff, 0xff, 0xff, VIDEO, 1, 0, 0, 0];
    assert!(matches!(
        read_all(&mut reader(), &longest),
        Err(Error::Limit { .. })
    ));
}

proptest! {
    #[test]
    fn messages_survive_any_chunk_size_and_any_portions(
        payloads in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 0..600), any::<u32>(), 3_u8..64), 1..10),
        chunk_size in 1_u32..700,
        portion in 1_usize..50,
    ) {
        let mut writer = Writer::new();
        let mut bytes = BytesMut::new();
        writer.put_control(&mut bytes, Control::SetChunkSize(chunk_size));
        let messages: Vec<_> = payloads
            .into_iter()
            .map(|(payload, timestamp, csid)| {
                let message = video(timestamp, payload);
                writer.put(&mut bytes, csid, &message);
                message
            })
            .collect();
        let mut reader = reader();
        let mut got = Vec::new();
        for portion in bytes.chunks(portion) {
            got.extend(read_all(&mut reader, portion).unwrap());
        }
        prop_assert_eq!(got, messages);
        prop_assert_eq!(reader.reserved, 0);
    }

    #[test]
    fn any_bytes_are_read_or_refused_alike_in_any_portions(
        bytes: Vec<u8>,
        portion in 1_usize..20,
    ) {
        let whole = read_all(&mut reader(), &bytes);
        let mut reader = reader();
        let mut got = Ok(Vec::new());
        for portion in bytes.chunks(portion) {
            let Ok(messages) = &mut got else { break };
            match read_all(&mut reader, portion) {
                Ok(more) => messages.extend(more),
                Err(error) => got = Err(error),
            }
        }
        prop_assert_eq!(got, whole);
    }
}
