//! The operator's override of the outage rule.

use super::{
    connection::Connection,
    exchange::{Failure, Wanted},
    exit::Exit,
    output::{Output, detail, note},
};
use serde_json::json;

/// What `override --help` says.
pub const ABOUT: &str = "\
Let a server go on after an outage without the servers it waits for.

After an outage servers wait until those that may know more have come back. When they
never will (a lost disk), this tells the server named with --server to go on with what it
has.

What can be lost: every reservation and every deletion that only the missing servers know.
Clients were told that these were done. Seats of lost reservations will be sold again. When
a missing server comes back after all, its differing reservations go into a conflict report
for a person to look at.

Make sure that the missing servers are really down, look at `client status`, choose the
server with the highest position, then run `client override --server N --yes`.";

/// Sends the override to one server, once.
pub async fn run(output: &mut Output, connection: &mut Connection, server: u8) -> Exit {
    let done = connection.call(Wanted::Override, std::future::pending()).await;
    let mut object = json!({ "command": "override", "server": server });
    let (result, exit, message) = match done.result {
        Ok(_) => ("done", Exit::Done, format!("Server {server} goes on without the missing servers.")),
        Err(Failure::Rejected(reason) | Failure::NotAllowed(reason)) => {
            ("rejected", Exit::NotAllowed, format!("not allowed: {reason}"))
        }
        Err(failure @ (Failure::NotExecuted | Failure::Unknown)) => {
            let result = if failure == Failure::Unknown { "unknown" } else { "not_executed" };
            (result, Exit::Unknown, format!("{failure}; look at `client status`"))
        }
    };
    object["result"] = json!(result);
    object["message"] = json!(message);
    output.json(&object);
    if exit == Exit::Done {
        output.text(message);
    } else {
        note(message);
        connection.troubles().iter().for_each(detail);
    }
    exit
}

/// What is said instead when it was not confirmed.
pub fn ask_for_confirmation() -> Exit {
    note("nothing was sent: an override needs --server N (which one goes on) and --yes. Read this first:");
    for line in ABOUT.lines() {
        detail(line);
    }
    Exit::Usage
}
