//! Which layer may use which, and what pure layers must leave alone.

use super::source::{self, Path, Token};
use std::collections::BTreeSet;

/// A layer and what it may use besides itself: modules of this package, from its root.
const LAYERS: [(&str, &[&str]); 16] = [
    ("domain", &[]),
    ("protocol", &["domain"]),
    ("storage", &[]),
    ("transport", &["protocol"]),
    ("replication", &["domain", "protocol", "storage", "telemetry::metrics", "transport"]),
    ("auth", &["domain::events"]),
    ("audit", &["domain::command", "domain::events", "domain::ids"]),
    ("config", &["auth", "domain::events", "domain::ids"]),
    (
        "api",
        &[
            "audit",
            "auth",
            "config",
            "domain",
            "protocol::lamport",
            "protocol::message",
            "protocol::trace",
            "replication::feed",
            "replication::port",
            "telemetry::metrics",
            "transport::frame",
        ],
    ),
    (
        "client",
        &[
            "api::wire",
            "audit",
            "auth",
            "config",
            "domain::command",
            "domain::events",
            "domain::ids",
            "domain::outcome",
            "domain::runs",
            "transport::frame",
            "verify",
        ],
    ),
    ("verify", &["domain::command", "domain::ids", "domain::outcome"]),
    ("telemetry", &[]),
    ("node", &["api", "audit", "config", "domain", "protocol", "replication", "storage", "transport"]),
    ("docs", &[]),
    ("bin/server", &["config", "node", "telemetry"]),
    ("bin/client", &["client"]),
];

/// Layers that are values in and values out, the same everywhere and every time.
const PURE: [&str; 3] = ["domain", "protocol", "verify"];
/// Crates that they may use: no input or output, no clock, no tasks.
const PURE_CRATES: [&str; 11] = [
    "bytes",
    "fastrand",
    "memchr",
    "postcard",
    "proptest",
    "serde",
    "serde_json",
    "thiserror",
    "triomphe",
    "unicode_normalization",
    "xxhash_rust",
];
/// What they must not touch.
const IMPURE: [(&str, &str); 14] = [
    ("std::time", "time is an argument"),
    ("core::time", "time is an argument"),
    ("std::net", "the driver owns sockets"),
    ("std::os", "the driver talks to the system"),
    ("std::fs", "storage owns files"),
    ("std::env", "settings are arguments"),
    ("std::process", "the program owns the process"),
    ("std::thread", "the driver owns threads"),
    ("std::sync::Mutex", "a value needs no lock"),
    ("std::sync::RwLock", "a value needs no lock"),
    ("std::sync::mpsc", "the driver owns queues"),
    ("std::hash::RandomState", "chance is an argument"),
    ("fastrand::Rng::new", "chance is an argument: Rng::with_seed"),
    ("fastrand::seed", "chance is an argument: Rng::with_seed"),
];
/// Words that have no place there, however they got in.
const IMPURE_WORDS: [(&str, &str); 5] = [
    ("async", "the core is synchronous"),
    ("await", "the core is synchronous"),
    ("HashMap", "its order differs from run to run; use a BTreeMap"),
    ("HashSet", "its order differs from run to run; use a BTreeSet"),
    ("tracing", "a pure layer tells by its effects"),
];

/// A source file of this package.
pub struct Unit {
    pub file: String,
    pub tokens: Vec<Token>,
    module: Vec<String>,
    paths: Vec<Path>,
}

impl Unit {
    pub fn new(file: &str, text: &str) -> Unit {
        let module = module_of(file);
        let tokens = source::tokens(text);
        let paths = source::paths(&tokens, &module);
        Unit { file: file.to_owned(), tokens, module, paths }
    }

    fn layer(&self) -> String {
        match &self.module[..] {
            [first, second, ..] if first == "bin" => format!("bin/{second}"),
            [first, ..] => first.clone(),
            [] => "lib".to_owned(),
        }
    }
}

/// `src/domain/ids.rs` is `domain::ids`.
fn module_of(file: &str) -> Vec<String> {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs");
    let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// Files that belong to a `#[cfg(test)] mod name;` elsewhere are tests as a whole.
pub fn mark_test_modules(mut units: Vec<Unit>) -> Vec<Unit> {
    let mut tests = BTreeSet::new();
    for unit in &units {
        for (at, token) in unit.tokens.iter().enumerate() {
            if token.is_test && token.text == "mod" && source::matches(&unit.tokens, at + 2, &[";"]) {
                let mut module = unit.module.clone();
                module.push(unit.tokens[at + 1].text.clone());
                tests.insert(module);
            }
        }
    }
    for unit in &mut units {
        if (1..=unit.module.len()).any(|n| tests.contains(&unit.module[..n])) {
            unit.tokens.iter_mut().for_each(|token| token.is_test = true);
            unit.paths.iter_mut().for_each(|path| path.is_test = true);
        }
    }
    units
}

/// Uses of other layers that the table does not allow.
pub fn breaches(unit: &Unit) -> Vec<String> {
    let layer = unit.layer();
    if layer == "lib" {
        return Vec::new();
    }
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return vec![format!(
            "{}: {layer} is in no row of the table of layers (tests/tidy/layers.rs)",
            unit.file
        )];
    };
    let is_allowed = |path: &Path| {
        let is_inside = path.parts.first() == unit.module.first();
        is_inside || allowed.iter().any(|prefix| path.starts_with(prefix))
    };
    let outside = unit.paths.iter().filter(|path| path.is_own && !is_allowed(path));
    let rule = if allowed.is_empty() { "nothing but itself".to_owned() } else { allowed.join(", ") };
    outside
        .map(|path| {
            format!(
                "{}:{}: {}: {layer} may use {rule} (tests/tidy/layers.rs)",
                unit.file,
                path.line,
                path.text()
            )
        })
        .collect()
}

/// Rows that allow what nobody does: they would let it in unseen.
pub fn needless_rows(units: &[Unit]) -> Vec<String> {
    let mut found = Vec::new();
    for (layer, allowed) in LAYERS {
        let files: Vec<&Unit> = units.iter().filter(|unit| unit.layer() == layer).collect();
        if files.is_empty() {
            found.push(format!("{layer} does not exist: take it out of the table"));
        }
        let uses = |prefix: &str| {
            let mut paths = files.iter().flat_map(|unit| &unit.paths);
            paths.any(|path| path.is_own && path.starts_with(prefix))
        };
        let unused = allowed.iter().filter(|prefix| !files.is_empty() && !uses(prefix));
        found.extend(unused.map(|prefix| format!("{layer} does not use {prefix}: take it out of the table")));
    }
    found
}

/// What a pure layer touches and must not.
pub fn impurities(unit: &Unit, dependencies: &[String]) -> Vec<String> {
    if !PURE.contains(&unit.layer().as_str()) {
        return Vec::new();
    }
    let layer = unit.layer();
    let mut found = Vec::new();
    let mut tell = |line: usize, what: &str, rule: &str| {
        found.push(format!("{}:{line}: {what}: {layer} is pure: {rule}", unit.file));
    };
    for path in unit.paths.iter().filter(|path| !path.is_own) {
        if let Some((_, rule)) = IMPURE.iter().find(|(prefix, _)| path.starts_with(prefix)) {
            tell(path.line, &path.text(), rule);
        }
        let root = &path.parts[0];
        if !path.is_test && dependencies.contains(root) && !PURE_CRATES.contains(&root.as_str()) {
            tell(path.line, root, &format!("it may use {}", PURE_CRATES.join(", ")));
        }
    }
    for token in &unit.tokens {
        if let Some((word, rule)) = IMPURE_WORDS.iter().find(|(word, _)| *word == token.text) {
            tell(token.line, word, rule);
        }
    }
    found
}

#[test]
fn paths_are_found_however_they_are_written() {
    let text = r##"
        use crate::{api::{wire::{self, Frame as F}, tcp}, config};
        use super::super::node;
        // crate::comment::ignored
        const TEXT: &str = r#"crate::string::ignored "quoted" "#;
        fn f<'a>(x: &'a str, c: char) -> std::io::Result<crate::storage::Disk> { matches!(c, '"' | '\''); x }
        mod inner { use super::super::sibling::*; use super::own; }
        use {boxoffice::client::run, tokio::{net, time::{sleep, Instant}}};
    "##;
    let unit = Unit::new("src/domain/deep/file.rs", text);
    let found: Vec<String> = unit.paths.iter().map(Path::text).collect();
    let expected = [
        "crate::api::wire",
        "crate::api::wire::Frame",
        "crate::api::tcp",
        "crate::config",
        "crate::domain::node",
        "std::io::Result",
        "crate::storage::Disk",
        "crate::domain::deep::sibling::*",
        "crate::domain::deep::file::own",
        "crate::client::run",
        "tokio::net",
        "tokio::time::sleep",
        "tokio::time::Instant",
    ];
    assert_eq!(found, expected);
    assert_eq!(unit.paths[5].line, 6);
}

#[test]
fn breaches_and_impurities_are_told_with_their_line() {
    let text = "//! Doc.\nuse std::{fmt, time::Duration};\nuse super::super::storage::Disk;\n#[cfg(test)]\nmod tests { use crate::node; }\n";
    let unit = Unit::new("src/domain/file.rs", text);
    let found = breaches(&unit);
    assert!(
        found[0].starts_with("src/domain/file.rs:3: crate::storage::Disk: domain may use nothing"),
        "{found:?}"
    );
    assert!(found[1].starts_with("src/domain/file.rs:5: crate::node: "), "{found:?}");
    let found = impurities(&unit, &[]);
    assert_eq!(found, ["src/domain/file.rs:2: std::time::Duration: domain is pure: time is an argument"]);
}
