//! The operator's part in who may do what: keys and tokens.

use super::args::{Global, TokenAction, TokenRole};
use super::exit::Exit;
use super::output::{Output, note};
use crate::auth::{Issuer, new_key};
use crate::config::ClusterConfig;
use crate::domain::events::ids::{Role, UserId};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
/// Largest file that is read as a key, in bytes.
const KEY_BYTES_MAX: u64 = 1 << 10;

/// Makes what was asked for. `load` reads the cluster's description, which only tokens need.
pub(super) fn run(
    output: &mut Output,
    global: &Global,
    action: TokenAction,
    load: impl FnOnce(&Global) -> Result<ClusterConfig, String>,
) -> Exit {
    let made = match action {
        TokenAction::NewKey { out } => make_key(&out),
        TokenAction::Issue { id, role, days, key } => {
            load(global).and_then(|config| issue(&config, id, role, days, &key))
        }
    };
    match made {
        Ok(text) => {
            output.data(&text);
            Exit::Done
        }
        Err(words) => {
            note(words);
            Exit::Usage
        }
    }
}

/// The lines for the cluster's description.
fn make_key(out: &Path) -> Result<String, String> {
    let (secret, public) = new_key().map_err(|error| error.to_string())?;
    // Nobody else on this machine may read it, and no key is ever written over.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out);
    let written = file.and_then(|mut file| writeln!(file, "{secret}").and_then(|()| file.sync_all()));
    match written {
        Ok(()) => Ok(format!("auth:\n  mode: required\n  public_key: {public}")),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(format!("{} is there already; a key is never written over", out.display()))
        }
        Err(error) => Err(format!("cannot write {}: {error}", out.display())),
    }
}

fn issue(
    config: &ClusterConfig,
    id: UserId,
    role: TokenRole,
    days: u32,
    key: &Path,
) -> Result<String, String> {
    let is_right = match role {
        TokenRole::Manager => id.role == Role::Manager,
        TokenRole::Customer => id.role == Role::Customer,
    };
    if !is_right {
        return Err(format!("{id} does not name a {}: its fourth letter says what it is", words(role)));
    }
    let unreadable = |error: io::Error| format!("cannot read {}: {error}", key.display());
    if fs::metadata(key).map_err(unreadable)?.len() > KEY_BYTES_MAX {
        return Err(format!("{}: this is no secret key", key.display()));
    }
    let text = fs::read_to_string(key).map_err(unreadable)?;
    let issuer = Issuer::new(&text).map_err(|error| format!("{}: {error}", key.display()))?;
    issuer.issue(&config.cluster, id, DAY * days).map_err(|error| error.to_string())
}

fn words(role: TokenRole) -> &'static str {
    match role {
        TokenRole::Manager => "manager",
        TokenRole::Customer => "customer",
    }
}
