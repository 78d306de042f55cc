//! Completion scripts and manual pages, from the one definition of the arguments.

use super::{
    args::{Cli, with_usage},
    exit::Exit,
    output::{Output, note},
};
use clap::{Command, CommandFactory as _};
use std::{fs, io, path::Path};

/// The completion script of a shell.
pub fn completions(output: &mut Output, shell: clap_complete::Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program(), "client", &mut script);
    output.data(String::from_utf8_lossy(&script).trim_end());
    Exit::Done
}

/// The manual page of the program, or the pages of all commands in a directory.
pub fn man(output: &mut Output, dir: Option<&Path>) -> Exit {
    let Some(dir) = dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(program()).render(&mut page).expect("a vector takes everything");
        output.data(String::from_utf8_lossy(&page).trim_end());
        return Exit::Done;
    };
    match write_pages(dir) {
        Ok(()) => Exit::Done,
        Err(error) => {
            note(format_args!(
                "cannot write manual pages to {}: {error}; name a directory that can be written",
                dir.display()
            ));
            Exit::Usage
        }
    }
}

fn write_pages(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    clap_mangen::generate_to(program(), dir)
}

fn program() -> Command {
    with_usage(Cli::command(), "client ")
}
