//! Documents stay true to each other and to what they describe: links resolve, decisions are numbered and listed, settings
//! exist, fuzz targets are named.

use std::{collections::BTreeSet, path::PathBuf};

use tidy::{files, root, text};

#[test]
fn every_relative_link_leads_somewhere() {
    for page in pages() {
        for target in links(&text(&page)) {
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            let there = page.parent().unwrap().join(path);
            assert!(
                there.exists(),
                "{} links to {target}, which is not there",
                page.display()
            );
        }
    }
}

fn pages() -> Vec<PathBuf> {
    let root = root();
    let mut pages = files(&root.join("docs"), ".md");
    pages.extend([root.join("README.md"), root.join("CHANGELOG.md")]);
    pages
}

fn links(text: &str) -> Vec<String> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

#[test]
fn every_decision_is_numbered_once_and_listed() {
    let folder = root().join("docs/adr");
    let index = text(&folder.join("README.md"));
    let mut numbers = BTreeSet::new();
    for page in files(&folder, ".md") {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        if name == "README.md" {
            continue;
        }
        let number = name.get(..4).and_then(|digits| digits.parse::<u32>().ok());
        let number = number.unwrap_or_else(|| panic!("{name} does not begin with four digits"));
        assert!(
            numbers.insert(number),
            "two decisions are numbered {number}"
        );
        assert!(
            index.contains(&name),
            "docs/adr/README.md does not list {name}"
        );
    }
    assert!(!numbers.is_empty());
}

/// Every `section.key` of the reference configuration.
fn settings() -> BTreeSet<String> {
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in text(&root().join("config/shopcast.toml")).lines() {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = name.to_owned();
        } else if let Some((key, _)) = line
            .split_once(" = ")
            .filter(|(key, _)| key.chars().all(is_name_char))
        {
            keys.insert(format!("{section}.{key}"));
        }
    }
    assert!(keys.len() > 50, "{keys:?}");
    keys
}

fn is_name_char(char: char) -> bool {
    char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_'
}

/// The text between backticks, outside of code blocks.
fn code_spans(text: &str) -> Vec<String> {
    let mut outside = String::new();
    for (n, block) in text.split("```").enumerate() {
        if n % 2 == 0 {
            outside.push_str(block);
        }
    }
    let spans = outside.split('`').skip(1).step_by(2);
    spans.map(str::to_owned).collect()
}

#[test]
fn every_setting_that_a_page_names_exists() {
    let settings = settings();
    let sections: BTreeSet<_> = settings
        .iter()
        .filter_map(|key| key.split_once('.'))
        .map(|(section, _)| section)
        .collect();
    let mut seen = 0;
    for page in pages() {
        for span in code_spans(&text(&page)) {
            let name = span.split(" = ").next().unwrap_or_default();
            let Some((section, key)) = name.split_once('.') else {
                continue;
            };
            // hls.js is a player, hls.rs would be a file.
            let is_key =
                !key.is_empty() && key.chars().all(is_name_char) && !matches!(key, "js" | "rs");
            if is_key && sections.contains(section) {
                seen += 1;
                assert!(
                    settings.contains(name),
                    "{} names `{name}`, which config/shopcast.toml does not have",
                    page.display()
                );
            }
        }
    }
    assert!(seen > 50, "only {seen} settings found");
}

#[test]
fn every_setting_in_the_environment_exists() {
    let root = root();
    let names: BTreeSet<_> = settings()
        .iter()
        .map(|key| format!("SHOPCAST_{}", key.replace('.', "__").to_uppercase()))
        .collect();
    let mut places = pages();
    places.extend(
        ["compose.yaml", "Containerfile", "config/shopcast.service"].map(|name| root.join(name)),
    );
    let mut seen = 0;
    for place in places {
        let text = text(&place);
        let words = text.split(|char: char| !(char.is_ascii_alphanumeric() || char == '_'));
        for word in words.filter(|word| word.starts_with("SHOPCAST_") && word.contains("__")) {
            seen += 1;
            assert!(
                names.contains(word) || word == "SHOPCAST_SECTION__KEY",
                "{} names {word}, which is no setting",
                place.display()
            );
        }
    }
    assert!(seen > 10, "only {seen} found");
}

#[test]
fn the_page_about_fuzzing_names_every_target() {
    let root = root();
    let page = text(&root.join("docs/fuzz.md"));
    let mut targets = 0;
    for folder in std::fs::read_dir(root.join("fuzz/corpus")).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/fuzz.md lacks {name}"
        );
        targets += 1;
    }
    assert!(targets > 30, "{targets}");
}
