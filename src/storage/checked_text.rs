//! Small files that a person can read and a flipped bit cannot change: a line that says what and which
//! format, one line of JSON, one line of checksum.

use super::{FORMAT_VERSION, disk::Disk, error::OpenError};
use serde::{Serialize, de::DeserializeOwned};
use std::io;

/// Ends the name of a file that is not finished.
pub(super) const TEMPORARY: &str = ".tmp";
/// Longest file of this kind that is read, in bytes: each is a few numbers, a name and at most a sentence.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// Reads a file that [`write()`] wrote; `None` if there is none.
pub(super) fn read<D: Disk, T: Serialize + DeserializeOwned>(
    disk: &D,
    name: &str,
) -> Result<Option<T>, OpenError> {
    let damaged = |reason: &str| OpenError::damaged(disk, name, 0, reason);
    let bytes = match disk.size(name) {
        Ok(size) if size > TEXT_BYTES_MAX => return Err(damaged("it is longer than any such file")),
        Ok(_) => disk.read(name).map_err(|error| OpenError::io(disk, "read", name, error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OpenError::io(disk, "read", name, error)),
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| damaged("it is not text"))?;
    let body = text.get(..text.len().saturating_sub(CHECKSUM_BYTES)).unwrap_or("");
    if format!("{body}{}", checksum_line(body)) != text {
        return Err(damaged("its checksum does not match"));
    }
    let (first, json) = body.split_once('\n').ok_or_else(|| damaged("it has no first line"))?;
    let version = first.rsplit(' ').next().and_then(|version| version.parse::<u32>().ok());
    match version {
        None => Err(damaged("it names no format")),
        Some(FORMAT_VERSION) => {
            let value =
                serde_json::from_str(json).map_err(|error| damaged(&format!("it has no sense: {error}")))?;
            Ok(Some(value))
        }
        Some(found) => Err(OpenError::Format { file: disk.path(name), found, expected: FORMAT_VERSION }),
    }
}

/// Replaces a file as a whole: after a crash it has the old content or the new one.
pub(super) fn write<D: Disk, T: Serialize>(
    disk: &D,
    name: &str,
    what: &str,
    value: &T,
) -> Result<(), (&'static str, io::Error)> {
    let json = serde_json::to_string(value).map_err(|error| ("encode", io::Error::other(error)))?;
    let body = format!("boxoffice {what} {FORMAT_VERSION}\n{json}\n");
    let text = format!("{body}{}", checksum_line(&body));
    let temporary = format!("{name}{TEMPORARY}");
    disk.create(&temporary).map_err(|error| ("make", error))?;
    disk.write_at(&temporary, 0, text.as_bytes()).map_err(|error| ("write", error))?;
    disk.sync(&temporary).map_err(|error| ("sync", error))?;
    disk.close(&temporary);
    disk.rename(&temporary, name).map_err(|error| ("rename to", error))?;
    disk.sync_dir("").map_err(|error| ("sync the directory of", error))
}

const CHECKSUM_BYTES: usize = "crc32 01234567\n".len();

fn checksum_line(body: &str) -> String {
    format!("crc32 {:08x}\n", crc32fast::hash(body.as_bytes()))
}
