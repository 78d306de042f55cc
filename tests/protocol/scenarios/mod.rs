//! The scenarios that broke earlier drafts of the protocol, numbered as on its page.
//!
//! Each first proves that it stands at the dangerous point, then that the bad outcome does not come, then that the
//! cluster goes on.

mod clients;
mod crashes;
mod links;
mod outages;
mod views;
