//! Pictures of pages: for the README where `ci/pictures` asks for them, beside the tests' other files otherwise.
#![expect(clippy::disallowed_methods, reason = "the one setting of these tests is an environment variable")]

use crate::browser::Browser;
use std::fs;
use std::path::Path;

/// A README is read by people who wait for it.
const PICTURE_BYTES_MAX: usize = 150 << 10;

/// Keeps what is seen now as `NAME.png`.
#[track_caller]
pub fn keep(browser: &Browser, name: &str) {
    let picture = browser.picture();
    let screen = browser.shown_on();
    assert_eq!(size(&picture), (screen.width, screen.height), "{name} shows the whole window");
    assert!(picture.len() <= PICTURE_BYTES_MAX, "{name} has {} bytes", picture.len());
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = match std::env::var_os("BOXOFFICE_WRITE_PICTURES") {
        Some(_) => package.join("docs"),
        None => Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned(),
    };
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{name}.png")), picture).unwrap();
}

/// Width and height of a PNG, which stand in its first chunk.
fn size(picture: &[u8]) -> (u32, u32) {
    assert_eq!(picture[..8], *b"\x89PNG\r\n\x1a\n", "it is a PNG");
    let number = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}
