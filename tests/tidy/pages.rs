//! Pages for people: what they name exists, and what people look up in them is there.

use super::layers::Unit;
use super::source::{Token, behind_bracket, matches};
use super::{read, root};
use std::path::Path;

/// Links of the pages, and pages that comments name, that lead nowhere.
pub fn dead_links(files: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.ends_with(".md")) {
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        for (number, line) in (1..).zip(read(file).lines()) {
            let links = line.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
            let is_dead = |link: &&str| {
                let is_page = !link.is_empty() && !link.contains("://") && !link.contains("::");
                is_page && link.contains(['.', '/']) && !root().join(folder).join(link).exists()
            };
            found.extend(links.filter(is_dead).map(|link| format!("{file}:{number}: {link} does not exist")));
        }
    }
    for file in files.iter().filter(|file| file.ends_with(".rs") && !file.starts_with("tests/tidy/")) {
        for (number, line) in (1..).zip(read(file).lines()) {
            for rest in line.split("docs/").skip(1) {
                let name: String =
                    rest.chars().take_while(|&c| c.is_ascii_alphanumeric() || "._-".contains(c)).collect();
                if name.ends_with(".md") && !root().join("src/docs").join(&name).exists() {
                    found.push(format!("{file}:{number}: src/docs/{name} does not exist"));
                }
            }
        }
    }
    found
}

/// Settings of the configuration (as `section!` declares them) that the page does not list with their default.
pub fn settings_missing_in(page: &str, declarations: &str) -> Vec<String> {
    let (mut section, mut found, mut count) = (String::new(), Vec::new(), 0);
    for line in declarations.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
            section = name.to_owned();
        }
        let declared = line.split_once(": ").and_then(|(key, rest)| {
            let (default, _) = rest.split_once(" = ")?.1.split_once(" in ")?;
            Some((key, default.replace('_', "")))
        });
        let Some((key, default)) = declared.filter(|(_, default)| default.parse::<u64>().is_ok()) else {
            continue;
        };
        count += 1;
        let row = format!("| `{section}.{key}` | {default} |");
        if !page.contains(&row) {
            found.push(format!("README.md: there is no row that begins with {row}"));
        }
    }
    assert!(count > 10, "the settings are declared in another way now: read them anew");
    found
}

/// Warnings and errors of the log that the page does not explain.
pub fn warnings_missing_in(page: &str, units: &[Unit]) -> Vec<String> {
    let page: String = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    for unit in units {
        for (at, token) in unit.tokens.iter().enumerate() {
            let is_log = ["warn", "error"].contains(&token.text.as_str()) && !token.is_test;
            if !is_log || !matches(&unit.tokens, at + 1, &["!", "("]) {
                continue;
            }
            let arguments = &unit.tokens[at + 2..behind_bracket(&unit.tokens, at + 2)];
            if let Some(text) = message(arguments).filter(|text| !page.contains(text.as_str())) {
                let place = format!("{}:{}", unit.file, token.line);
                found.push(format!("{place}: src/docs/operations.md does not say what {text:?} means"));
            }
        }
    }
    found
}

/// The last text among the arguments of a log line.
fn message(arguments: &[Token]) -> Option<String> {
    let text = &arguments.iter().rev().find(|token| token.text.starts_with('"'))?.text;
    let text = text.trim_matches('"').replace("\\\n", " ");
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}
