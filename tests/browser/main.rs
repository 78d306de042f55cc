//! What people see: the pages of real servers in a real browser (Chromium, headless), which talks to this machine only.

mod browser;
mod checks;
mod docs_page;
mod driver;
mod element;
#[allow(dead_code, reason = "shared with the tests of the cluster, which use more")]
#[path = "../cluster/harness.rs"]
mod harness;
mod outside;
mod page;
mod pictures;
#[path = "../common/ports.rs"]
mod ports;
#[allow(dead_code, reason = "shared with the tests of the cluster, which use more")]
#[path = "../cluster/proxy.rs"]
mod proxy;
#[allow(dead_code, reason = "shared with the tests of the cluster, which use more")]
#[path = "../cluster/http/talk.rs"]
mod talk;
mod watchful;
