//! The tests' own eyes: what is wrong with a page is seen, so that a page without faults is worth something.

use crate::browser::{Browser, PHONE};
use std::fs;

/// Opens a page of these words.
fn opened(html: &str) -> Browser {
    let browser = Browser::start();
    let file = browser.dir().join("page.html");
    fs::write(&file, html).unwrap();
    browser.open(&format!("file://{}", file.display()));
    browser
}

#[test]
fn a_page_without_faults_has_none() {
    let browser = opened(
        "<!doctype html><html lang=en><title>Good</title><style>:root { color-scheme: light dark }</style>
         <label>Name <input placeholder=''></label> <button>Book</button> <a href='#x'>Seats</a>
         <button disabled style='color: #aaa'>Later</button>",
    );
    browser.is_sound();
    browser.close();
}

#[test]
fn what_cannot_be_used_or_read_is_a_fault() {
    let browser = opened(
        "<!doctype html><title> </title><button></button><input><a href='#x' tabindex=3>Seats</a>
         <p style='color: #999; background: #fff' id=a>faint</p><p id=a style='opacity: .3'>fainter</p>
         <p aria-labelledby=nobody>x</p><input aria-label=field placeholder=pale style='background: #777'>
         <svg role=img width=9 height=9></svg><div style='width: 5000px'>wide</div>",
    );
    let faults = browser.faults();
    let expected = [
        "a button without a name: <button></button>",
        "a textbox without a name: <input>",
        "a image without a name: <svg",
        "the page has no language",
        "the page has no title",
        "a positive tabindex: <a",
        "an id for the second time: <p id=\"a\"",
        "aria-labelledby names nothing: <p",
        "wide and the window 1280",
        "p: contrast 2.85 of rgb(153 153 153) on rgb(255 255 255): faint",
        "p: contrast 2.11 of",
        "input: contrast",
    ];
    for words in expected {
        assert!(faults.iter().any(|fault| fault.contains(words)), "{words}: {faults:#?}");
    }
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    browser.close();
}

#[test]
fn errors_on_the_console_are_seen() {
    let browser = opened("<!doctype html><script>Promise.reject(new Error('odd')); undefined.x;</script>");
    browser.until("both are logged", || {
        let errors = browser.errors(&["409"]).join("\n");
        if errors.contains("odd") && errors.contains("reading 'x'") { Ok(()) } else { Err(errors) }
    });
    browser.leave();
}

#[test]
fn whoever_is_asked_outside_is_seen_and_never_reached() {
    let browser = opened(
        "<!doctype html><body>here<script>
         for (const url of ['http://example.com/a', 'https://example.com/b', 'http://192.0.2.1/c'])
             fetch(url, {mode: 'no-cors'}).catch(() => {});
         new WebSocket('ws://example.com/d');
         </script>",
    );
    let turned_back = [
        "GET http://example.com/a ",
        "CONNECT example.com:443 ",
        "GET http://192.0.2.1/c ",
        "CONNECT example.com:80 ",
    ];
    let seen = ["http://example.com/a", "https://example.com/b", "http://192.0.2.1/c", "ws://example.com/d"];
    browser.until("all are seen", || {
        let (lines, urls) = (browser.turned_back(), browser.asked_outside());
        let is_turned_back = |start: &&str| lines.iter().any(|line| line.starts_with(start));
        let is_seen = |url: &&str| urls.iter().any(|seen| seen.starts_with(url));
        let are_all = turned_back.iter().all(is_turned_back) && seen.iter().all(is_seen);
        if are_all { Ok(()) } else { Err(format!("{lines:?} {urls:?}")) }
    });
    browser.leave();
}

#[test]
fn elements_are_clicked_touched_and_reached_by_key_where_a_person_could() {
    let browser = opened(
        "<!doctype html><html lang=en><meta name=viewport content='width=device-width'><title>Keys</title>
         <label>Name <input id=who></label><button onclick='said.textContent += who.value'>Book</button>
         <button disabled>Hold</button><div style='position: relative'><button>Under</button>
         <div style='position: absolute; inset: 0'></div></div><p id=said role=status></p>
         <script>addEventListener('touchstart', () => said.textContent += 'touched ')</script>",
    );
    browser.fill("Name", "bob");
    browser.click("button", "Book");
    browser.says("#said", "bob");
    browser.fill("Name", "Änn + C");
    browser.tab_to("button", "Book");
    browser.press(&["Enter"]);
    browser.says("[role=status]", "bobÄnn + C");
    browser.press(&["Shift+Tab"]);
    assert_eq!(browser.focused(), ("textbox".to_owned(), "Name".to_owned()));
    browser.screen(PHONE);
    browser.click("button", "Book");
    browser.says("#said", "touched Änn + C");
    let refusal = browser.try_find("button", "Hold").unwrap().try_click().unwrap_err();
    assert!(refusal.contains("it is disabled"), "{refusal}");
    let refusal = browser.try_find("button", "Under").unwrap().try_click().unwrap_err();
    assert!(refusal.contains("it is covered by <div"), "{refusal}");
    browser.lacks("button", "Cancel…");
    assert_eq!(browser.find("button", "Und…").attribute("style"), "");
    browser.close();
}

#[test]
fn two_browsers_share_nothing() {
    let html = "<!doctype html><html lang=en><title>Files</title><label>A file <input type=file></label>
                <p id=said></p><p id=kept></p><script>
                document.querySelector('input').onchange = async (event) => {
                    said.textContent = await event.target.files[0].text();
                    document.cookie = 'kept=1; path=/';
                };
                kept.textContent = document.cookie;</script>";
    let one = opened(html);
    let other = one.another();
    other.open(&one.address());
    let file = one.dir().join("words.txt");
    fs::write(&file, "words of a file").unwrap();
    one.find("button", "A file…").choose_file(&file);
    one.says("#said", "words of a file");
    assert_eq!(other.all("button").len(), 1);
    other.says("#said", "");
    one.close();
    other.close();
}
