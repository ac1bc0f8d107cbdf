//! Server-sent events as they come in pieces (WHATWG HTML section 9.2.6).

/// Longest line that is kept, bytes: more than the side channel's longest message.
const LINE_BYTES_MAX: usize = 256 * 1024;

const LINES_MAX: usize = 64;

/// Events put together from pieces.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// The line that is not whole yet.
    line: Vec<u8>,
    data: Vec<String>,
    last_id: Option<String>,
    too_long: bool,
}

impl Events {
    /// Takes a piece of the response; gives the data of each event that ends in it.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut events = Vec::new();
        for byte in bytes {
            if *byte != b'\n' {
                self.too_long |= self.line.len() >= LINE_BYTES_MAX;
                if !self.too_long {
                    self.line.push(*byte);
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = String::from_utf8_lossy(&line);
            events.extend(self.take(line.trim_end_matches('\r')));
        }
        events
    }

    /// What a reconnect says it has.
    pub(crate) fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    fn take(&mut self, line: &str) -> Option<String> {
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            let whole = !std::mem::take(&mut self.too_long);
            return (whole && !data.is_empty()).then(|| data.join("\n"));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" if self.data.len() < LINES_MAX => self.data.push(value.to_owned()),
            "data" => self.too_long = true,
            "id" => self.last_id = Some(value.to_owned()),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_however_they_are_cut() {
        let text = "event: cues\r\nid: 7\r\ndata: {\"a\":1}\r\n\r\n: keep-alive\n\ndata:one\ndata: two\n\n";
        for size in 1..text.len() {
            let mut events = Events::default();
            let got: Vec<_> = text
                .as_bytes()
                .chunks(size)
                .flat_map(|piece| events.push(piece))
                .collect();
            assert_eq!(got, ["{\"a\":1}", "one\ntwo"]);
            assert_eq!(events.last_id(), Some("7"));
        }
    }

    #[test]
    fn what_is_too_long_is_left_out_and_the_next_comes() {
        let mut events = Events::default();
        let long = format!("data: {}\n\ndata: x\n\n", "y".repeat(LINE_BYTES_MAX));
        assert_eq!(events.push(long.as_bytes()), ["x"]);
    }
}
