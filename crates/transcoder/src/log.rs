//! Standard error: one line an event, and no harm when nobody takes it (`eprintln!` would panic).

use std::{
    fmt::Arguments,
    io::{self, Write},
};

/// A step in the process's life.
pub(crate) fn info(text: Arguments<'_>) {
    line("info", text);
}

/// Something an operator may want to change.
pub(crate) fn warning(text: Arguments<'_>) {
    line("warning", text);
}

/// Why the process ends.
pub(crate) fn error(text: Arguments<'_>) {
    line("error", text);
}

fn line(level: &str, text: Arguments<'_>) {
    // GStreamer's texts have line breaks of their own.
    let text = text.to_string().replace('\n', " ");
    let _ = writeln!(io::stderr(), "{level}: {text}");
}
