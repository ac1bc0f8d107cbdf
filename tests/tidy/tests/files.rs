//! Files stay readable: each says what it is, and none grows past what a person holds in mind.

use tidy::{files, root, text};

/// Own lines of a file, tests not counted.
const FILE_LINES_MAX: usize = 800;
/// Lines of a function.
const FUNCTION_LINES_MAX: usize = 70;

fn sources() -> Vec<std::path::PathBuf> {
    ["crates", "tests/tidy", "fuzz"]
        .iter()
        .flat_map(|folder| files(&root().join(folder), ".rs"))
        .collect()
}

#[test]
fn every_source_file_says_what_it_is() {
    for file in sources() {
        let text = text(&file);
        let first = text
            .lines()
            .find(|line| !line.starts_with("#!["))
            .unwrap_or_default();
        assert!(
            first.starts_with("//!"),
            "{} begins without `//!`",
            file.display()
        );
    }
}

#[test]
fn no_file_or_function_is_too_long() {
    for file in sources() {
        let text = text(&file);
        let own = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let lines: Vec<&str> = own.lines().collect();
        assert!(
            lines.len() <= FILE_LINES_MAX,
            "{}: {} lines",
            file.display(),
            lines.len()
        );
        for (start, end) in functions(&lines) {
            let length = end - start + 1;
            assert!(
                length <= FUNCTION_LINES_MAX,
                "{}:{}: a function of {length} lines",
                file.display(),
                start + 1
            );
        }
    }
}

/// First and last line of each function, told by the indentation that rustfmt gives its closing brace.
fn functions(lines: &[&str]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let is_fn = [
            "fn ",
            "pub fn ",
            "pub(crate) fn ",
            "pub(super) fn ",
            "async fn ",
            "pub async fn ",
            "pub(crate) async fn ",
        ]
        .iter()
        .any(|prefix| body.starts_with(prefix));
        if !is_fn {
            continue;
        }
        let closing = format!("{}}}", &line[..line.len() - body.len()]);
        if let Some(length) = lines[start..].iter().position(|line| *line == closing) {
            found.push((start, start + length));
        }
    }
    found
}
