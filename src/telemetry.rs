//! Sets up what the server tells people: lines of text or JSON on standard error.

pub mod metrics;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// Logs from now on. `filter` is a level (`info`), or a list like `info,boxoffice::transport=debug`.
///
/// # Errors
/// The filter is none.
pub fn start(format: LogFormat, filter: &str, color: bool) -> Result<(), ParseError> {
    let filter = EnvFilter::try_new(filter)?;
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second start in one process (a test) keeps the first.
    let _ = match format {
        LogFormat::Text => lines.with_ansi(color).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}
