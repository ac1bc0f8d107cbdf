//! `a=` lines.

use super::{Direction, Offered, Payload, Section, Setup, Transport};
use crate::Refusal;

/// Takes one attribute, of the section last begun or of the session before the first one.
/// Attributes nobody here needs are passed over, whatever they hold.
pub(super) fn read<'a>(offered: &mut Offered<'a>, value: &'a str) -> Result<(), Refusal> {
    let (name, value) = value.split_once(':').unwrap_or((value, ""));
    if name == "candidate" {
        // Only counted: a lite agent answers checks, it has no use for addresses to send them to.
        offered.candidates += 1;
        if offered.candidates > CANDIDATES_MAX {
            return Err(Refusal::TooLarge {
                what: "candidates",
                limit: CANDIDATES_MAX,
            });
        }
        return Ok(());
    }
    if let Some(section) = offered.sections.last_mut() {
        return read_media(section, name, value);
    }
    match name {
        "ice-lite" => offered.ice_lite = true,
        "group" => read_group(offered, value)?,
        _ => {
            if let Some(direction) = Direction::parse(name) {
                offered.direction = Some(direction);
            }
            read_transport(&mut offered.transport, name, value)?;
        }
    }
    Ok(())
}

/// `a=group:BUNDLE 0 1` (RFC 8843 section 7).
fn read_group<'a>(offered: &mut Offered<'a>, value: &'a str) -> Result<(), Refusal> {
    let mut words = value.split_ascii_whitespace();
    if words.next() == Some("BUNDLE") && offered.bundle.is_empty() {
        for mid in words.take(MIDS_MAX) {
            offered.bundle.push(check_mid(mid)?);
        }
    }
    Ok(())
}

fn read_media<'a>(section: &mut Section<'a>, name: &str, value: &'a str) -> Result<(), Refusal> {
    match name {
        "mid" => section.mid = Some(check_mid(value.trim())?),
        "rtcp-mux" => section.rtcp_mux = true,
        "bundle-only" => section.bundle_only = true,
        "extmap" => read_extension(section, value),
        "ssrc" => {
            let first = value.split_ascii_whitespace().next();
            section.ssrc = section
                .ssrc
                .or_else(|| first.and_then(|ssrc| ssrc.parse().ok()));
        }
        "rid" => read_rid(section, value)?,
        "simulcast" => read_simulcast(section, value)?,
        "ssrc-group" => read_group_of_ssrcs(section, value),
        "rtpmap" | "fmtp" | "rtcp-fb" => read_payload(section, name, value),
        _ => {
            if let Some(direction) = Direction::parse(name) {
                section.direction = Some(direction);
            }
            read_transport(&mut section.transport, name, value)?;
        }
    }
    Ok(())
}

fn read_transport<'a>(
    transport: &mut Transport<'a>,
    name: &str,
    value: &'a str,
) -> Result<(), Refusal> {
    let value = value.trim();
    match name {
        // RFC 8839 section 5.4: ice-ufrag is 4 to 256 ice-chars, ice-pwd 22 to 256.
        "ice-ufrag" => {
            if !is_ice_string(value, 4) {
                return Err(Refusal::Malformed("a=ice-ufrag is not 4 to 256 ice-chars"));
            }
            transport.ufrag = Some(value);
        }
        "ice-pwd" => {
            if !is_ice_string(value, 22) {
                return Err(Refusal::Malformed("a=ice-pwd is not 22 to 256 ice-chars"));
            }
            transport.pwd = Some(value);
        }
        "fingerprint" => read_fingerprint(transport, value),
        "setup" => {
            transport.setup = Some(match value {
                "actpass" => Setup::ActPass,
                "active" => Setup::Active,
                "passive" => Setup::Passive,
                _ => {
                    return Err(Refusal::Malformed(
                        "a=setup is not actpass, active or passive",
                    ));
                }
            });
        }
        _ => {}
    }
    Ok(())
}

/// `a=fingerprint:sha-256 AB:CD:...` (RFC 8122 section 5). Other hash functions are passed over; an
/// offer that has only those is refused for having none.
fn read_fingerprint<'a>(transport: &mut Transport<'a>, value: &'a str) {
    let Some((function, digest)) = value.split_once(' ') else {
        return;
    };
    let digest = digest.trim();
    let is_digest = digest.len() == 32 * 3 - 1
        && digest
            .split(':')
            .all(|pair| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit()));
    if function.eq_ignore_ascii_case("sha-256") && is_digest {
        transport.fingerprint = Some(digest);
    }
}

/// `a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid` (RFC 8285 section 8). Only one-byte headers'
/// identifiers.
fn read_extension(section: &mut Section<'_>, value: &str) {
    let mut words = value.split_ascii_whitespace();
    let (Some(id), Some(uri)) = (words.next(), words.next()) else {
        return;
    };
    let id = id.split('/').next().unwrap_or(id);
    let id = id.parse().ok().filter(|id| (1..=14).contains(id));
    match uri {
        "urn:ietf:params:rtp-hdrext:sdes:mid" => section.mid_extension = id,
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01" => {
            section.twcc_extension = id;
        }
        "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id" => section.rid_extension = id,
        "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id" => {
            section.repaired_rid_extension = id;
        }
        _ => {}
    }
}

/// `a=rid:<name> send ...` (RFC 8851 section 4); what it restricts is the sender's business.
fn read_rid<'a>(section: &mut Section<'a>, value: &'a str) -> Result<(), Refusal> {
    let mut words = value.split_ascii_whitespace();
    if let (Some(name), Some("send")) = (words.next(), words.next()) {
        section.rids.push(check_rid(name)?);
        check_rids(&section.rids)?;
    }
    Ok(())
}

/// `a=simulcast:send <name>[,<other format's name>];...` (RFC 8853 section 5.1); `~` marks what is
/// paused at first.
fn read_simulcast<'a>(section: &mut Section<'a>, value: &'a str) -> Result<(), Refusal> {
    let mut words = value.split_ascii_whitespace();
    while let Some(direction) = words.next() {
        let streams = words.next().unwrap_or_default();
        if direction == "send" && section.simulcast.is_empty() {
            for stream in streams.split(';') {
                let name = stream.split(',').next().unwrap_or(stream);
                let name = name.strip_prefix('~').unwrap_or(name);
                section.simulcast.push(check_rid(name)?);
                check_rids(&section.simulcast)?;
            }
        }
    }
    Ok(())
}

/// RFC 8852 section 3.3: letters and digits; eight are as many as the transport keeps.
fn check_rid(name: &str) -> Result<&str, Refusal> {
    let fits = (1..=8).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric());
    let wrong = "a=rid and a=simulcast name streams by 1 to 8 letters and digits";
    fits.then_some(name).ok_or(Refusal::Malformed(wrong))
}

fn check_rids(rids: &[&str]) -> Result<(), Refusal> {
    if rids.len() > RIDS_MAX {
        return Err(Refusal::TooLarge {
            what: "simulcast streams",
            limit: RIDS_MAX,
        });
    }
    Ok(())
}

/// OBS and browsers send at most three.
const RIDS_MAX: usize = 4;

/// `FID <stream> <retransmissions>`; other groups are of no use here.
fn read_group_of_ssrcs(section: &mut Section<'_>, value: &str) {
    let mut words = value.split_ascii_whitespace();
    if words.next() == Some("FID")
        && let (Some(Ok(stream)), Some(Ok(repair))) =
            (words.next().map(str::parse), words.next().map(str::parse))
    {
        section.repair.get_or_insert((stream, repair));
    }
}

fn read_payload<'a>(section: &mut Section<'a>, name: &str, value: &'a str) {
    let Some((number, value)) = value.split_once(' ') else {
        return;
    };
    if name == "rtcp-fb" && number == "*" {
        section
            .payloads
            .iter_mut()
            .for_each(|payload| read_feedback(payload, value));
        return;
    }
    let Ok(number) = number.parse::<u8>() else {
        return;
    };
    let Some(payload) = section
        .payloads
        .iter_mut()
        .find(|payload| payload.number == number)
    else {
        return;
    };
    match name {
        "rtpmap" => read_rtpmap(payload, value),
        "fmtp" => read_parameters(payload, value),
        _ => read_feedback(payload, value),
    }
}

fn read_rtpmap<'a>(payload: &mut Payload<'a>, value: &'a str) {
    let mut parts = value.trim().split('/');
    payload.name = parts.next().unwrap_or_default();
    payload.clock_rate = parts.next().and_then(|rate| rate.parse().ok()).unwrap_or(0);
    payload.channels = parts
        .next()
        .and_then(|channels| channels.parse().ok())
        .unwrap_or(1);
}

fn read_parameters<'a>(payload: &mut Payload<'a>, value: &'a str) {
    for parameter in value.split(';') {
        let Some((key, value)) = parameter.split_once('=') else {
            continue;
        };
        let value = value.trim();
        match key.trim() {
            "apt" => payload.apt = value.parse().ok(),
            // RFC 6184 section 8.1: absent means 0.
            "packetization-mode" => payload.packetization_mode = value.parse().unwrap_or(0),
            "profile-level-id" if value.len() == 6 => {
                payload.profile_level_id = u32::from_str_radix(value, 16).ok();
            }
            "sprop-parameter-sets" => payload.parameter_sets = Some(value),
            "profile-id" => payload.profile_id = value.parse().ok(),
            "profile" => payload.profile = value.parse().ok(),
            "level-idx" => payload.level_idx = value.parse().ok(),
            "tier" => payload.tier = value.parse().ok(),
            _ => {}
        }
    }
}

/// RFC 4585 section 4.2, RFC 5104 section 7.1.
fn read_feedback(payload: &mut Payload<'_>, value: &str) {
    match value.trim() {
        "nack" => payload.nack = true,
        "nack pli" => payload.pli = true,
        "ccm fir" => payload.fir = true,
        "transport-cc" => payload.transport_cc = true,
        _ => {}
    }
}

/// A `mid` is a token (RFC 5888 section 4); str0m keeps 16 bytes of it.
fn check_mid(mid: &str) -> Result<&str, Refusal> {
    let is_token = mid
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&byte));
    if mid.is_empty() || !is_token {
        return Err(Refusal::Malformed("a=mid is no token"));
    }
    if mid.len() > MID_MAX {
        return Err(Refusal::TooLarge {
            what: "characters in a=mid",
            limit: MID_MAX,
        });
    }
    Ok(mid)
}

/// RFC 8839 section 5.4: `ice-char = ALPHA / DIGIT / "+" / "/"`. Pion and old Firefox also use `-`
/// and `_`.
pub(super) fn is_ice_string(value: &str, min: usize) -> bool {
    (min..=256).contains(&value.len())
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte))
}

/// Hosts with many interfaces and two address families offer about 20.
const CANDIDATES_MAX: usize = 64;
const MIDS_MAX: usize = 16;
const MID_MAX: usize = 16;
