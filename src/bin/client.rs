//! The client: arguments in, one command, the prompt or a load, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    boxoffice::client::run(std::env::args_os().collect()).into()
}
