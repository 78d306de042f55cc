//! What the compiler does not check: which layer uses which, what pure code must not touch, and the habits of the
//! house. Each breach is told with its file and line and the rule it breaks.

mod layers;
mod pages;
mod source;

use layers::Unit;
use source::{Token, matches};
use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

/// Longest file, in lines that hold code and are not compiled for tests only.
const CODE_LINES_MAX: usize = 400;
/// Files that are longer, with the reason.
const LONG_FILES: [(&str, &str); 0] = [];
/// Files that may skip tests, with the reason.
const SKIPPING_FILES: [(&str, &str); 0] = [];
/// Dependencies that the project was asked to use: the others say at their line why they are there.
const ASKED_FOR: [&str; 9] = [
    "tokio",
    "tokio-stream",
    "serde",
    "serde_yaml",
    "clap",
    "tracing",
    "testcontainers",
    "assert_cmd",
    "predicates",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Files under version control (and new ones that are not ignored), relative to the root, in order.
fn files() -> Vec<String> {
    let git = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    assert!(git.status.success(), "git ls-files: {}", String::from_utf8_lossy(&git.stderr));
    let names = String::from_utf8(git.stdout).expect("file names are UTF-8");
    let exist = |name: &&str| root().join(name).is_file();
    let files: BTreeSet<String> =
        names.split('\0').filter(|name| !name.is_empty()).filter(exist).map(str::to_owned).collect();
    files.into_iter().collect()
}

fn units() -> Vec<Unit> {
    let sources = files().into_iter().filter(|file| file.starts_with("src/") && file.ends_with(".rs"));
    let units = sources.map(|file| Unit::new(&file, &read(&file))).collect();
    layers::mark_test_modules(units)
}

#[track_caller]
fn none(breaches: Vec<String>) {
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[test]
fn imports_run_one_way() {
    none(units().iter().flat_map(layers::breaches).collect());
}

#[test]
fn every_row_of_the_table_of_layers_is_needed() {
    none(layers::needless_rows(&units()));
}

#[test]
fn pure_layers_touch_nothing_outside() {
    let dependencies: Vec<String> =
        dependencies().into_iter().map(|(name, _)| name.replace('-', "_")).collect();
    none(units().iter().flat_map(|unit| layers::impurities(unit, &dependencies)).collect());
}

#[test]
fn files_hold_one_idea() {
    let mut breaches = Vec::new();
    for unit in units() {
        let is_excepted = LONG_FILES.iter().any(|(file, _)| *file == unit.file);
        let lines: BTreeSet<usize> = unit.tokens.iter().filter(|t| !t.is_test).map(|t| t.line).collect();
        let is_long = lines.len() > CODE_LINES_MAX;
        if is_long && !is_excepted {
            let count = lines.len();
            breaches
                .push(format!("{}: {count} lines of code, at most {CODE_LINES_MAX}: split it", unit.file));
        } else if is_excepted && !is_long {
            breaches.push(format!("{}: no longer too long: take it off the list", unit.file));
        }
    }
    none(breaches);
}

#[test]
fn nothing_is_left_for_later() {
    let mut breaches = Vec::new();
    for unit in units() {
        for (at, token) in unit.tokens.iter().enumerate() {
            let is_macro =
                matches(&unit.tokens, at + 1, &["!"]) && !matches(&unit.tokens, at + 1, &["!", "="]);
            let rule = match token.text.as_str() {
                "todo" | "unimplemented" if is_macro => "finish it",
                "dbg" if is_macro => "for the desk only",
                "print" | "println" | "eprint" | "eprintln" if is_macro && !token.is_test => {
                    "it panics on a closed pipe; a program's output goes through its one writer"
                }
                "ignore" if is_attribute(&unit.tokens, at) => {
                    match SKIPPING_FILES.iter().any(|(file, _)| *file == unit.file) {
                        true => continue,
                        false => "a test that is not run is no test",
                    }
                }
                _ => continue,
            };
            breaches.push(format!("{}:{}: {}: {rule}", unit.file, token.line, token.text));
        }
    }
    none(breaches);
}

fn is_attribute(tokens: &[Token], at: usize) -> bool {
    at >= 2 && matches(tokens, at - 2, &["#", "["])
}

#[test]
fn every_file_says_what_it_is() {
    let sources = files().into_iter().filter(|file| file.ends_with(".rs"));
    let says = |file: &String| {
        let text = read(file);
        text.starts_with("//! ") || text.starts_with("#![doc = include_str!(")
    };
    none(sources.filter(|file| !says(file)).map(|file| format!("{file}:1: begin with `//! ...`")).collect());
}

/// Name and line of every dependency.
fn dependencies() -> Vec<(String, String)> {
    let manifest = read("Cargo.toml");
    let mut found = Vec::new();
    let mut is_list = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_list = line.ends_with("dependencies]");
            assert!(
                !line.contains("dependencies."),
                "Cargo.toml: {line}: write it on one line, with its reason"
            );
        } else if let Some((name, _)) =
            line.split_once('=').filter(|_| is_list && !line.starts_with([' ', '#', '}']))
        {
            found.push((name.trim().to_owned(), line.to_owned()));
        }
    }
    assert!(found.len() > ASKED_FOR.len(), "Cargo.toml has dependencies");
    found
}

#[test]
fn every_dependency_has_a_reason_and_a_use() {
    let sources: Vec<_> = files().into_iter().filter(|file| file.ends_with(".rs")).collect();
    let words: BTreeSet<String> =
        sources.iter().flat_map(|file| source::tokens(&read(file))).map(|token| token.text).collect();
    let mut breaches = Vec::new();
    for (name, line) in dependencies() {
        if !ASKED_FOR.contains(&name.as_str()) && !line.contains(" # ") {
            breaches.push(format!("Cargo.toml: {name}: say in a comment on its line why it is there"));
        }
        if !ASKED_FOR.contains(&name.as_str()) && !words.contains(&name.replace('-', "_")) {
            breaches.push(format!("Cargo.toml: {name}: nothing uses it"));
        }
    }
    none(breaches);
}

#[test]
fn scripts_can_be_run() {
    let is_script = |file: &String| read(file).starts_with("#!");
    let scripts =
        files().into_iter().filter(|f| f.starts_with("ci/") || f.starts_with(".ci/")).filter(is_script);
    let cannot_run = scripts.filter(|file| {
        let metadata = fs::metadata(root().join(file)).expect("it exists");
        metadata.permissions().mode() & 0o111 != 0o111
    });
    none(cannot_run.map(|file| format!("{file}: chmod +x")).collect());
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let mut breaches = Vec::new();
    for file in files() {
        // Not every file is text.
        let Ok(text) = fs::read_to_string(root().join(&file)) else { continue };
        for (number, line) in (1..).zip(text.lines()) {
            for directory in ["work", "farm"] {
                let path = format!("/{directory}/");
                let is_own =
                    |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}*".contains(c));
                if line.match_indices(&path).any(|(at, _)| is_own(at)) {
                    breaches.push(format!("{file}:{number}: {path} is nowhere but on one machine"));
                }
            }
        }
    }
    none(breaches);
}

#[test]
fn pages_that_are_named_exist() {
    none(pages::dead_links(&files()));
}

#[test]
fn the_readme_lists_every_setting_with_its_default() {
    none(pages::settings_missing_in(&read("README.md"), &read("src/config/ranges.rs")));
}

#[test]
fn operators_can_look_up_every_warning() {
    none(pages::warnings_missing_in(&read("src/docs/operations.md"), &units()));
}
