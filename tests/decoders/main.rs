//! Whatever reads bytes that others wrote: any bytes are taken or refused as promised, never more.
//!
//! A row of `checks::DECODERS` is a decoder. The same checks run for hours under `ci/fuzz`, guided by coverage; what
//! they find is kept in `found/` and tried again here. More cases: `PROPTEST_CASES=100000`.
#![expect(clippy::disallowed_methods, reason = "the environment says how long to try, and where samples go")]

mod checks;
mod damage;
mod mutate;
mod pages;

use checks::{DECODERS, Verdict, decoder};
use mutate::{Change, change};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

/// Longest row of arbitrary bytes.
const BYTES_MAX: usize = 300;
/// Most changes to one sample.
const CHANGES_MAX: usize = 5;
/// Cases of each test, where the environment does not say otherwise: a debug build opens many simulated disks.
const CASES: u32 = 192;

fn cases() -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { CASES };
    ProptestConfig { cases, failure_persistence: None, ..default }
}

fn changed(sample: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    changes.iter().for_each(|change| change.apply(&mut bytes));
    bytes
}

macro_rules! decoders {
    ($($name:ident)*) => {
        /// Decoders that have tests.
        const TESTED: &[&str] = &[$(stringify!($name)),*];
        $(mod $name {
            use super::*;

            proptest! {
                #![proptest_config(cases())]

                #[test]
                fn any_bytes_are_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..BYTES_MAX)) {
                    (decoder(stringify!($name)).check)(&bytes);
                }

                #[test]
                fn changed_samples_are_taken_or_refused(
                    which in any::<prop::sample::Index>(),
                    changes in prop::collection::vec(change(), 1..CHANGES_MAX),
                ) {
                    let decoder = decoder(stringify!($name));
                    let samples = (decoder.samples)();
                    (decoder.check)(&changed(&samples[which.index(samples.len())], &changes));
                }
            }

            #[test]
            fn samples_are_taken_and_no_prefix_confuses() {
                let decoder = decoder(stringify!($name));
                for (number, sample) in (decoder.samples)().iter().enumerate() {
                    assert_eq!((decoder.check)(sample), Verdict::Taken, "sample {number}");
                    for len in 0..sample.len().min(PREFIXES_MAX) {
                        (decoder.check)(&sample[..len]);
                    }
                }
            }
        })*
    };
}

/// So many prefixes of each sample are tried.
const PREFIXES_MAX: usize = 400;

decoders! {
    frames peer_hello peer_message peer_session client_hello client_request server_hello server_answer batch
    log_records log_header state_image snapshot_content snapshot_pieces small_files file_names data_directory
    configuration command_line history
}

#[test]
fn every_decoder_has_tests() {
    let names: Vec<&str> = DECODERS.iter().map(|decoder| decoder.name).collect();
    assert_eq!(names, TESTED);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What long runs found, by decoder.
fn found(name: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root().join("tests/decoders/found").join(name)) else { return Vec::new() };
    entries.map(|entry| entry.expect("the directory can be read").path()).collect()
}

#[test]
fn what_was_found_once_is_refused_or_taken_now() {
    let mut tried = 0;
    for decoder in DECODERS {
        for path in found(decoder.name) {
            let bytes = fs::read(&path).expect("it can be read");
            (decoder.check)(&bytes);
            tried += 1;
        }
    }
    let kept = fs::read_dir(root().join("tests/decoders/found")).expect("findings are kept there");
    let kept = kept.map(|dir| fs::read_dir(dir.expect("it can be read").path()).expect("a directory"));
    let all: usize = kept.map(Iterator::count).sum();
    assert_eq!(tried, all, "every directory of findings is named after a decoder");
}

/// Writes the samples where `BOXOFFICE_CORPUS` says, for `ci/fuzz`; else where nobody looks.
#[test]
fn samples_are_what_long_runs_begin_with() {
    let temporary = tempfile::tempdir().expect("a directory");
    let corpus = std::env::var_os("BOXOFFICE_CORPUS").map_or(temporary.path().to_owned(), PathBuf::from);
    for decoder in DECODERS {
        let dir = corpus.join(decoder.name);
        fs::create_dir_all(&dir).expect("it can be made");
        for (number, sample) in (decoder.samples)().iter().enumerate() {
            let file = dir.join(format!("sample-{number}"));
            fs::write(&file, sample).expect("it can be written");
            assert_eq!((decoder.check)(&fs::read(&file).expect("it can be read")), Verdict::Taken);
        }
    }
}
