//! Documents stay true to each other: links resolve, decisions are numbered and listed.

use std::collections::BTreeSet;

use tidy::{files, root, text};

#[test]
fn every_relative_link_leads_somewhere() {
    let root = root();
    let mut pages = files(&root.join("docs"), ".md");
    pages.extend([root.join("README.md"), root.join("CHANGELOG.md")]);
    for page in pages {
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
