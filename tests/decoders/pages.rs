//! The page that lists the decoders, and the targets of long runs, keep up with the table.

use super::{DECODERS, root};
use std::collections::BTreeSet;
use std::fs;

#[test]
fn the_page_lists_every_decoder() {
    let page = fs::read_to_string(root().join("src/docs/decoders.md")).expect("the page is there");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let listed: Vec<&str> = rows.collect();
    let names: Vec<&str> = DECODERS.iter().map(|decoder| decoder.name).collect();
    assert_eq!(listed, names, "src/docs/decoders.md has a row for each decoder, in their order");
}

#[test]
fn every_decoder_has_a_target_for_long_runs() {
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).expect("the manifest is there");
    let declared: BTreeSet<&str> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .filter(|name| *name != "boxoffice-fuzz")
        .collect();
    let names: BTreeSet<&str> = DECODERS.iter().map(|decoder| decoder.name).collect();
    assert_eq!(declared, names);
    for name in names {
        let target = fs::read_to_string(root().join(format!("fuzz/targets/{name}.rs"))).expect("it is there");
        assert!(target.contains(&format!("\"{name}\"")), "fuzz/targets/{name}.rs runs another decoder");
    }
}
