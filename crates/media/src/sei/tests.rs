//! Messages in NAL units, into access units, and out of them.

use proptest::prelude::*;

use super::*;

const AUD: &[u8] = &[0x09, 0xf0];
const SPS: &[u8] = &[0x67, 0x42, 0xc0, 0x1e];
const PPS: &[u8] = &[0x68, 0xce, 0x3c, 0x80];
const IDR: &[u8] = &[0x65, 0x88, 0x84, 0x00];
const FOREIGN: [u8; 16] = *b"a foreign uuid!!";

fn unit(nals: &[&[u8]]) -> Bytes {
    let mut unit = Vec::new();
    for nal in nals {
        unit.extend_from_slice(&u32::try_from(nal.len()).unwrap().to_be_bytes());
        unit.extend_from_slice(nal);
    }
    unit.into()
}

fn message(payload_type: u32, payload: &[u8]) -> Message {
    Message {
        payload_type,
        payload: Bytes::copy_from_slice(payload),
    }
}

/// CEA-708 in T.35 as ATSC A/53 part 4 has it: country 181, provider 49, `GA94`, type 3.
fn captions() -> Message {
    let cc = [0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 3, 0xc1, 0xff];
    message(
        4,
        &[&cc[..], &[0xfc, 0x94, 0x2c, 0xfd, 0, 0, 0, 0, 0, 0xff]].concat(),
    )
}

fn own(body: &[u8]) -> Message {
    message(5, &[&OWN_UUID[..], body].concat())
}

fn sei(messages: &[Message]) -> Vec<u8> {
    write(&[0x06], messages)
}

#[test]
fn no_byte_of_the_uuid_is_ever_escaped_and_none_comes_twice() {
    for (n, byte) in OWN_UUID.iter().enumerate() {
        assert!(*byte > 3 && *byte != FILL);
        assert!(!OWN_UUID[..n].contains(byte));
    }
    assert_eq!((OWN_UUID[6] >> 4, OWN_UUID[8] >> 6), (4, 2), "version 4");
}

#[test]
fn zeros_are_escaped_and_sizes_past_255_take_more_bytes() {
    let nal = user_data(Syntax::H264, &FOREIGN, &[0, 0, 0, 0, 0, 1]);
    let head = [&[0x06, 5, 22][..], &FOREIGN].concat();
    assert_eq!(nal, [&head[..], &[0, 0, 3, 0, 0, 3, 0, 1, 0x80]].concat());
    let nal = user_data(Syntax::H265, &FOREIGN, &[7; 300]);
    assert_eq!(nal[..5], [0x4e, 0x01, 5, 0xff, 61]);
    assert_eq!(
        messages(Syntax::H265, &nal).unwrap()[0].user_data(&FOREIGN),
        Some(Bytes::from(vec![7; 300]))
    );
}

#[test]
fn what_breaks_the_syntax_is_refused_by_its_element() {
    let told = |nal: &[u8]| messages(Syntax::H264, nal).unwrap_err().to_string();
    for (nal, element) in [
        (&[0x65, 1, 0, 0x80][..], "SEI NAL unit"),
        (&[][..], "SEI NAL unit"),
        (&[0x06], "payloadType"),
        (&[0x06, 0xff, 0xff], "payloadType"),
        (&[0x06, 5], "payloadSize"),
        (&[0x06, 5, 2, 1, 0x80], "sei_payload"),
        (&[0x06, 5, 2, 1, 2], "sei_payload"),
        (&[0x06, 5, 1, 1, 0x81], "payloadSize"),
        (&[0x06, 5, 3, 0, 0, 1, 0x80], "two zeros"),
    ] {
        assert!(told(nal).contains(element), "{nal:?}: {}", told(nal));
    }
    let many = [&[0x06][..], &[1, 0].repeat(129), &[0x80]].concat();
    assert!(told(&many).contains("messages in an SEI NAL unit"));
    assert!(told(&vec![0x06; NAL_MAX + 1]).contains("SEI NAL unit"));
}

#[test]
fn messages_go_before_the_first_slice_and_after_all_that_leads_it() {
    let nals = unit(&[&[0x06, 0xee]]);
    let whole = insert(Syntax::H264, unit(&[AUD, SPS, PPS, IDR, IDR]), &nals);
    assert_eq!(whole, unit(&[AUD, SPS, PPS, &[0x06, 0xee], IDR, IDR]));
    let bare = insert(Syntax::H264, unit(&[&[0x41, 0x9a]]), &nals);
    assert_eq!(bare, unit(&[&[0x06, 0xee], &[0x41, 0x9a]]));
    let untouched = unit(&[AUD, IDR]);
    let same = insert(Syntax::H264, untouched.clone(), &[]);
    assert_eq!(same.as_ptr(), untouched.as_ptr(), "not copied");
}

#[test]
fn an_access_unit_without_ours_is_passed_byte_for_byte() {
    let foreign = message(5, &[&FOREIGN[..], b"x264"].concat());
    let of_others = sei(&[message(1, &[0, 0, 0]), captions(), foreign]);
    for clean in [
        unit(&[AUD, SPS, PPS, &of_others, IDR]),
        unit(&[&of_others, &sei(&[message(6, &[0x80])]), IDR]),
        // A picture's bytes are not looked at.
        unit(&[&[&[0x65][..], &OWN_UUID].concat()]),
        Bytes::from_static(&[0, 0, 0, 9, 1]),
        Bytes::new(),
    ] {
        assert_eq!(strip_own(Syntax::H264, &clean), None);
    }
}

#[test]
fn only_ours_goes_out_of_a_nal_unit_and_an_empty_one_goes() {
    let mixed = sei(&[
        own(b"forged"),
        captions(),
        own(&[0, 0, 1]),
        message(1, &[9]),
    ]);
    let (left, taken) = strip_own(Syntax::H264, &unit(&[AUD, &mixed, IDR])).unwrap();
    assert_eq!(taken, 2);
    assert_eq!(
        left,
        unit(&[AUD, &sei(&[captions(), message(1, &[9])]), IDR])
    );
    let alone = sei(&[own(b"forged")]);
    let (left, taken) = strip_own(Syntax::H264, &unit(&[AUD, SPS, &alone, IDR, &alone])).unwrap();
    assert_eq!((left, taken), (unit(&[AUD, SPS, IDR]), 2));
    let (left, _) = strip_own(Syntax::H264, &unit(&[&alone])).unwrap();
    assert!(left.is_empty());
    let prefix = user_data(Syntax::H265, &OWN_UUID, b"forged");
    let vcl: &[u8] = &[0x26, 0x01, 0xaf];
    let (left, _) = strip_own(Syntax::H265, &unit(&[&prefix, vcl])).unwrap();
    assert_eq!(left, unit(&[vcl]));
}

#[test]
fn where_it_hides_the_nal_unit_goes() {
    let forged = sei(&[own(b"forged")]);
    for hiding in [
        // Behind a start code, for readers that look for those: in a parameter set, in a message.
        [SPS, &[0, 0, 1], &forged].concat(),
        [&[0x06, 4, 30, 0xb5, 0, 0, 1][..], &forged, &[0x80]].concat(),
        // Cut off, so that strict readers give up and lenient ones do not.
        forged[..forged.len() - 1].to_vec(),
        sei(&[message(4, &forged), captions()]),
        [&[0x0c][..], &forged].concat(),
    ] {
        let (left, taken) = strip_own(Syntax::H264, &unit(&[AUD, &hiding, IDR])).unwrap();
        assert_eq!((left, taken), (unit(&[AUD, IDR]), 1), "{hiding:02x?}");
    }
}

fn any_messages() -> impl Strategy<Value = Vec<Message>> {
    let payload = prop_oneof![
        proptest::collection::vec(0_u8..5, 0..40),
        proptest::collection::vec(any::<u8>(), 0..600),
        Just([&OWN_UUID[..], b"forged"].concat()),
    ];
    let message = (0_u32..700, payload).prop_map(|(kind, payload)| message(kind, &payload));
    proptest::collection::vec(message, 1..6)
}

proptest! {
    #[test]
    fn any_messages_come_back_and_nothing_in_the_unit_looks_like_a_start_code(
        sent in any_messages(),
        h265: bool,
    ) {
        let syntax = if h265 { Syntax::H265 } else { Syntax::H264 };
        let nal = write(syntax.sei_header(), &sent);
        prop_assert!(!nal.windows(3).any(|three| three[..2] == [0, 0] && three[2] < 3));
        prop_assert_eq!(messages(syntax, &nal).unwrap(), sent);
    }

    #[test]
    fn what_is_left_never_holds_the_uuid_before_or_between_pictures(
        parts in proptest::collection::vec(
            prop_oneof![
                any_messages().prop_map(|messages| sei(&messages)),
                proptest::collection::vec(any::<u8>(), 1..30),
                proptest::collection::vec(any::<u8>(), 0..9)
                    .prop_map(|bytes| [&[0x06][..], &bytes, &OWN_UUID, &bytes].concat()),
            ],
            0..6,
        ),
    ) {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let whole = unit(&parts);
        let left = strip_own(Syntax::H264, &whole).map_or_else(|| whole.clone(), |(left, _)| left);
        let mut at = 0;
        while let Some(nal) = insert::nal_at(&left, at) {
            prop_assert!(Syntax::H264.is_vcl(nal) || !mentions_own(nal));
            at += insert::LENGTH + nal.len();
        }
        prop_assert_eq!(at, left.len());
        prop_assert!(strip_own(Syntax::H264, &left).is_none(), "and once is enough");
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let unit = Bytes::from(bytes);
        let _ = messages(Syntax::H264, &unit);
        let _ = messages(Syntax::H265, &unit);
        let _ = strip_own(Syntax::H264, &unit);
        let _ = insert(Syntax::H264, unit.clone(), &[0, 0, 0, 1, 6]);
    }
}

/// An encoder with temporal layers marks most pictures with more than TemporalId 0.
#[test]
fn messages_of_h265_are_of_their_pictures_temporal_layer() {
    let message = user_data(Syntax::H265, &OWN_UUID, b"cue");
    let framed = |nal: &[u8]| [&u32::try_from(nal.len()).unwrap().to_be_bytes(), nal].concat();
    let (aud, picture) = (framed(&[0x46, 3, 0x50]), framed(&[0x02, 3, 0x80]));
    let unit = Bytes::from([&aud[..], &picture].concat());
    let two = [framed(&message), framed(&message)].concat();
    let mut expected = message;
    assert_eq!(expected[..2], [0x4e, 1]);
    expected[1] = 3;
    let expected = [&aud[..], &framed(&expected), &framed(&expected), &picture].concat();
    assert_eq!(insert(Syntax::H265, unit, &two), expected);
}
