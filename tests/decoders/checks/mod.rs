//! Everything that reads bytes which others wrote, each as one check: bytes in, a verdict out, and a panic where a
//! promise is broken. The tests here feed them, and so do the targets of `fuzz/`, which are guided by coverage.
//!
//! What each decoder promises, and why: `src/docs/decoders.md`.

mod disk;
mod parts;
mod samples;
mod server;
mod text;
mod wire;

pub use server::{Directory, Found, start};

/// What became of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They mean something, and all of it was checked.
    Taken,
    /// They were refused with a reason.
    Refused,
}

impl Verdict {
    fn of<T, E>(result: &Result<T, E>) -> Verdict {
        if result.is_ok() { Verdict::Taken } else { Verdict::Refused }
    }
}

/// One place where bytes come in.
#[derive(Clone, Copy)]
pub struct Decoder {
    /// Names its tests, its target in `fuzz/` and its row in `src/docs/decoders.md`.
    pub name: &'static str,
    /// Bytes that are taken: what mutations and long runs begin with.
    pub samples: fn() -> Vec<Vec<u8>>,
    /// Reads the bytes and checks what is promised of the result.
    pub check: fn(&[u8]) -> Verdict,
}

/// All of them.
pub const DECODERS: [Decoder; 20] = [
    Decoder { name: "frames", samples: samples::frames, check: wire::frames },
    Decoder { name: "peer_hello", samples: samples::peer_hellos, check: wire::peer_hello },
    Decoder { name: "peer_message", samples: samples::peer_messages, check: wire::peer_message },
    Decoder { name: "peer_session", samples: samples::peer_sessions, check: wire::peer_session },
    Decoder { name: "client_hello", samples: samples::client_hellos, check: wire::client_hello },
    Decoder { name: "client_request", samples: samples::client_requests, check: wire::client_request },
    Decoder { name: "server_hello", samples: samples::server_hellos, check: wire::server_hello },
    Decoder { name: "server_answer", samples: samples::server_answers, check: wire::server_answer },
    Decoder { name: "batch", samples: samples::batches, check: wire::batch },
    Decoder { name: "log_records", samples: samples::log_records, check: disk::log_records },
    Decoder { name: "log_header", samples: samples::log_headers, check: disk::log_header },
    Decoder { name: "state_image", samples: samples::state_images, check: disk::state_image },
    Decoder { name: "snapshot_content", samples: samples::snapshot_contents, check: disk::snapshot_content },
    Decoder { name: "snapshot_pieces", samples: samples::snapshot_pieces, check: disk::snapshot_pieces },
    Decoder { name: "small_files", samples: samples::small_files, check: disk::small_files },
    Decoder { name: "file_names", samples: samples::file_names, check: disk::file_names },
    Decoder { name: "data_directory", samples: samples::data_directories, check: disk::data_directory },
    Decoder { name: "configuration", samples: samples::configurations, check: text::configuration },
    Decoder { name: "command_line", samples: samples::command_lines, check: text::command_line },
    Decoder { name: "history", samples: samples::histories, check: text::history },
];

/// The decoder of this name.
///
/// # Panics
/// There is none.
pub fn decoder(name: &str) -> Decoder {
    let found = DECODERS.into_iter().find(|decoder| decoder.name == name);
    found.unwrap_or_else(|| panic!("no decoder is called {name}"))
}
