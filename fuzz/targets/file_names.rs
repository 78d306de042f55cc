//! Long runs of the check of this name.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    (boxoffice_fuzz::checks::decoder("file_names").check)(bytes);
});
