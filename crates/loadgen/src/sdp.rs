//! SDP answers, as far as a viewer changes them.

use std::net::SocketAddr;

/// The answer with `via` in place of its UDP candidates, and without any other: media then goes by what listens there.
pub(crate) fn through(answer: &str, via: SocketAddr) -> String {
    let mut changed = String::with_capacity(answer.len());
    for line in answer.lines() {
        match line.strip_prefix("a=candidate:") {
            None => changed.push_str(line),
            Some(candidate) => {
                let Some(candidate) = moved(candidate, via) else {
                    continue;
                };
                changed.push_str("a=candidate:");
                changed.push_str(&candidate);
            }
        }
        changed.push_str("\r\n");
    }
    changed
}

/// RFC 8839 section 5.1: foundation, component, transport, priority, address, port, and the rest.
fn moved(candidate: &str, via: SocketAddr) -> Option<String> {
    let mut fields = candidate.splitn(7, ' ');
    let mut next = || fields.next();
    let (foundation, component, transport, priority) = (next()?, next()?, next()?, next()?);
    let (_address, _port, rest) = (next()?, next()?, next()?);
    transport.eq_ignore_ascii_case("udp").then(|| {
        let (ip, port) = (via.ip(), via.port());
        format!("{foundation} {component} {transport} {priority} {ip} {port} {rest}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_lead_through_the_proxy_and_nowhere_else() {
        let answer = "v=0\r\na=ice-lite\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n\
                      a=candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host\r\n\
                      a=candidate:2 1 tcp 1671430143 192.0.2.1 8189 typ host tcptype passive\r\n\
                      a=end-of-candidates\r\n";
        let changed = "v=0\r\na=ice-lite\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n\
                       a=candidate:1 1 udp 2130706431 127.0.0.1 4000 typ host\r\n\
                       a=end-of-candidates\r\n";
        assert_eq!(through(answer, "127.0.0.1:4000".parse().unwrap()), changed);
    }
}
