//! `/docs`, the page that shows the HTTP interface.

use crate::browser::{Browser, DESKTOP, PHONE, Scheme, TERMINAL};
use crate::harness::Cluster;
use crate::pictures;
use crate::talk::get;

fn opened(cluster: &Cluster) -> Browser {
    let browser = Browser::start();
    browser.open(&format!("http://127.0.0.1:{}/docs", cluster.http_ports[&1]));
    browser.shows(&["/v1/seats", "/v1/reservations/{name}"]);
    browser
}

#[test]
fn every_path_of_the_interface_is_shown_and_nobody_else_is_asked() {
    let cluster = Cluster::started(1, "");
    let browser = opened(&cluster);
    let interface = get(&cluster, 1, "/openapi.json").json();
    let paths: Vec<&str> = interface["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(paths.len() > 10, "{paths:?}");
    browser.shows(&paths);
    browser.close();
}

#[test]
fn everybody_can_read_it_in_light_and_dark_on_every_screen() {
    let cluster = Cluster::started(1, "");
    let browser = opened(&cluster);
    for screen in [DESKTOP, PHONE, TERMINAL] {
        browser.screen(screen);
        browser.is_sound();
    }
    pictures::keep(&browser, "interface");
    browser.scheme(Scheme::Dark);
    let dark = browser.picture();
    browser.scheme(Scheme::Light);
    assert_ne!(dark, browser.picture(), "the page knows both schemes");
    browser.close();
}

#[test]
fn a_path_is_opened_with_the_keyboard_alone() {
    let cluster = Cluster::started(1, "");
    let browser = opened(&cluster);
    assert!(!browser.text().contains("Last-Event-ID"), "paths are closed at first");
    browser.tab_to("DisclosureTriangle", "GET /v1/seats/stream…");
    browser.press(&["Enter"]);
    browser.shows(&["Last-Event-ID"]);
    browser.close();
}
