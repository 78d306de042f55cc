//! A browser with one page, used as a person does: it is looked at, clicked, touched and typed to. What it cannot do
//! within a limit fails the test with the page's text, its console and a picture of it.
#![expect(clippy::disallowed_methods, reason = "tests wait for other processes, on the clock, with a limit")]
#![expect(clippy::disallowed_macros, reason = "what a page looked like is shown when a test fails")]

use crate::driver::Driver;
use crate::harness::LIMIT;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What a page is shown on.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    pub width: u32,
    pub height: u32,
    /// Touched, not clicked.
    pub is_phone: bool,
}

pub const DESKTOP: Screen = Screen { width: 1280, height: 800, is_phone: false };
pub const PHONE: Screen = Screen { width: 390, height: 844, is_phone: true };
/// As narrow as telephones are, or text that is enlarged fourfold on a desktop.
pub const NARROW: Screen = Screen { width: 320, height: 640, is_phone: true };
/// As large as 80 x 24 characters in a terminal.
pub const TERMINAL: Screen = Screen { width: 640, height: 384, is_phone: false };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

impl Scheme {
    pub const BOTH: [Scheme; 2] = [Scheme::Light, Scheme::Dark];
}

/// Ends with [`Browser::close`], which tells what went wrong unseen.
pub struct Browser {
    driver: Rc<Driver>,
    session: String,
    screen: Cell<Screen>,
    console: RefCell<Vec<Logged>>,
    requested: RefCell<Vec<String>>,
    is_closed: Cell<bool>,
}

/// A line of the console.
#[derive(Debug, Clone)]
struct Logged {
    level: String,
    source: String,
    message: String,
}

/// How addresses on this machine begin. A new browser shows a page of its own.
const HERE: [&str; 6] = ["http://127.0.0.1:", "chrome://", "file://", "data:", "blob:", "about:"];

static PICTURES: AtomicU32 = AtomicU32::new(0);

impl Browser {
    pub fn start() -> Browser {
        Browser::of(Rc::new(Driver::start()))
    }

    /// Somebody else's, who shares nothing with this one.
    pub fn another(&self) -> Browser {
        Browser::of(self.driver.clone())
    }

    fn of(driver: Rc<Driver>) -> Browser {
        let session = driver.session();
        let (console, requested, is_closed) = Default::default();
        let browser = Browser { driver, session, screen: Cell::new(DESKTOP), console, requested, is_closed };
        browser.screen(DESKTOP);
        browser
    }

    /// What was asked for outside of this machine, by pages and by the browsers of this test themselves: Chromium
    /// looks for news of its own now and then.
    pub fn turned_back(&self) -> Vec<String> {
        self.driver.outside.asked()
    }

    /// What the pages of this browser asked for that is not on this machine.
    pub fn asked_outside(&self) -> Vec<String> {
        let news = self.try_command("POST", "se/log", &json!({"type": "performance"})).unwrap_or_default();
        let lines = news.as_array().into_iter().flatten().filter_map(|line| line["message"].as_str());
        let requested = lines.filter_map(|line| {
            let event: Value = serde_json::from_str(line).ok()?;
            let (method, params) = (&event["message"]["method"], &event["message"]["params"]);
            let url = match method.as_str()? {
                "Network.requestWillBeSent" => &params["request"]["url"],
                "Network.webSocketCreated" | "Network.webTransportCreated" => &params["url"],
                _ => return None,
            };
            url.as_str().map(str::to_owned)
        });
        self.requested.borrow_mut().extend(requested);
        let requested = self.requested.borrow();
        requested.iter().filter(|url| !HERE.iter().any(|here| url.starts_with(here))).cloned().collect()
    }

    /// A directory that ends with the browser.
    pub fn dir(&self) -> &Path {
        self.driver.dir.path()
    }

    pub fn try_command(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        self.driver.call(method, format!("/session/{}/{path}", self.session).trim_end_matches('/'), body)
    }

    #[track_caller]
    fn command(&self, path: &str, body: Value) -> Value {
        self.try_command("POST", path, &body).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A command of the DevTools protocol.
    pub fn try_devtools(&self, command: &str, params: Value) -> Result<Value, String> {
        let body = json!({"cmd": command, "params": params});
        self.try_command("POST", "goog/cdp/execute", &body).map_err(|error| format!("{command}: {error}"))
    }

    #[track_caller]
    pub fn devtools(&self, command: &str, params: Value) -> Value {
        self.try_devtools(command, params).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What a script (the body of a function) returns.
    #[track_caller]
    pub fn script(&self, body: &str) -> Value {
        self.command("execute/sync", json!({"script": body, "args": []}))
    }

    #[track_caller]
    pub fn open(&self, url: &str) {
        self.command("url", json!({"url": url}));
    }

    /// Where the page is from.
    #[track_caller]
    pub fn address(&self) -> String {
        self.script("return location.href").as_str().unwrap_or_default().to_owned()
    }

    /// Shows the page on another screen.
    pub fn screen(&self, screen: Screen) {
        let Screen { width, height, is_phone } = screen;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
        self.devtools("Emulation.setTouchEmulationEnabled", json!({"enabled": is_phone}));
        self.screen.set(screen);
    }

    pub fn shown_on(&self) -> Screen {
        self.screen.get()
    }

    /// Shows the page to somebody who prefers it so, and nothing in it moving.
    pub fn scheme(&self, scheme: Scheme) {
        let value = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let features = json!([
            {"name": "prefers-color-scheme", "value": value},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// Waits until the condition yields something.
    #[track_caller]
    pub fn until<T>(&self, what: &str, mut condition: impl FnMut() -> Result<T, String>) -> T {
        let began = Instant::now();
        loop {
            match condition() {
                Ok(found) => return found,
                Err(last) if began.elapsed() > LIMIT => panic!("waited too long until {what}; {last}"),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// The text that is to be seen.
    #[track_caller]
    pub fn text(&self) -> String {
        self.script("return document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    /// Waits until all of this is seen.
    #[track_caller]
    pub fn shows(&self, texts: &[&str]) {
        self.until(&format!("the page shows {texts:?}"), || {
            let text = self.text();
            let missing: Vec<_> = texts.iter().filter(|wanted| !text.contains(**wanted)).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("it does not show {missing:?}")) }
        });
    }

    /// Presses keys: characters, names such as `Enter`, `Shift+Tab`.
    #[track_caller]
    pub fn press(&self, keys: &[&str]) {
        let mut actions = Vec::new();
        for combination in keys {
            // The plus itself is a key as well.
            let parts: Vec<&str> = match combination.len() {
                1 => vec![combination],
                _ => combination.split('+').collect(),
            };
            let values: Vec<String> = parts.iter().map(|name| key(name)).collect();
            actions.extend(values.iter().map(|value| json!({"type": "keyDown", "value": value})));
            actions.extend(values.iter().rev().map(|value| json!({"type": "keyUp", "value": value})));
        }
        self.command("actions", json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}));
    }

    /// Types a text, a key for each character.
    #[track_caller]
    pub fn write(&self, text: &str) {
        let keys: Vec<String> = text.chars().map(String::from).collect();
        self.press(&keys.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// Clicks, or touches, what is there.
    pub fn try_point(&self, (x, y): (i64, i64)) -> Result<(), String> {
        let kind = if self.screen.get().is_phone { "touch" } else { "mouse" };
        let actions = json!([
            {"type": "pointerMove", "duration": 0, "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]);
        let pointer =
            json!({"type": "pointer", "id": kind, "parameters": {"pointerType": kind}, "actions": actions});
        self.try_command("POST", "actions", &json!({"actions": [pointer]})).map(drop)
    }

    /// What is seen, as PNG.
    pub fn picture(&self) -> Vec<u8> {
        let shot = self.devtools("Page.captureScreenshot", json!({"format": "png"}));
        BASE64_STANDARD.decode(shot["data"].as_str().unwrap()).unwrap()
    }

    /// Everything on the console so far. Chromedriver forgets what it has told.
    fn console(&self) -> Vec<Logged> {
        let news = self.try_command("POST", "se/log", &json!({"type": "browser"}));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let news = news.unwrap_or_default();
        self.console.borrow_mut().extend(news.as_array().into_iter().flatten().map(|line| Logged {
            level: text(&line["level"]),
            source: text(&line["source"]),
            message: text(&line["message"]),
        }));
        self.console.borrow().clone()
    }

    /// Errors on the console, but for answers and broken connections that have one of these words.
    pub fn errors(&self, excused: &[&str]) -> Vec<String> {
        let is_excused = |line: &Logged| {
            line.source == "network" && excused.iter().any(|words| line.message.contains(words))
        };
        let errors = self.console().into_iter().filter(|line| line.level == "SEVERE" && !is_excused(line));
        errors.map(|line| format!("{}: {}", line.source, line.message)).collect()
    }

    /// Ends, and fails unless the page logged no error and asked for nothing outside of this machine.
    #[track_caller]
    pub fn close(self) {
        self.close_after(&[]);
    }

    /// The same where the browser logs refusals or lost servers, in these words of its own: `409`, `ERR_CONNECTION_REFUSED`.
    #[track_caller]
    pub fn close_after(self, excused: &[&str]) {
        let errors = self.errors(excused);
        assert!(errors.is_empty(), "the page logged errors:\n{}", errors.join("\n"));
        let asked = self.asked_outside();
        assert!(asked.is_empty(), "the page asked outside of this machine for:\n{}", asked.join("\n"));
        self.is_closed.set(true);
        self.try_command("DELETE", "", &Value::Null).unwrap();
    }

    /// Ends without a look at what was logged.
    pub fn leave(self) {
        self.is_closed.set(true);
    }

    /// For the person who looks for what went wrong.
    fn show(&self) {
        let page = self.try_command(
            "POST",
            "execute/sync",
            &json!({"script": "return location.href + '\\n' + document.body.innerText", "args": []}),
        );
        eprintln!(
            "--- the page\n{}",
            page.map_or_else(|error| error, |page| page.as_str().unwrap_or_default().to_owned())
        );
        eprintln!("--- its console");
        self.console().iter().for_each(|line| eprintln!("{} {}: {}", line.level, line.source, line.message));
        let shot = self.try_devtools("Page.captureScreenshot", json!({"format": "png"})).unwrap_or_default();
        let Ok(picture) = BASE64_STANDARD.decode(shot["data"].as_str().unwrap_or_default()) else { return };
        let test = std::thread::current().name().unwrap_or("test").replace("::", "-");
        let number = PICTURES.fetch_add(1, Ordering::Relaxed);
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{number}.png"));
        let is_kept = fs::write(&file, picture).is_ok();
        eprintln!(
            "--- a picture of it: {}",
            if is_kept { file.display().to_string() } else { "none".to_owned() }
        );
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show();
        } else {
            assert!(self.is_closed.get(), "a test closes its browsers, which looks for errors");
        }
    }
}

/// A key as WebDriver calls it.
fn key(name: &str) -> String {
    let code = match name {
        "Backspace" => '\u{e003}',
        "Tab" => '\u{e004}',
        "Enter" => '\u{e007}',
        "Shift" => '\u{e008}',
        "Control" => '\u{e009}',
        "Escape" => '\u{e00c}',
        "Space" => ' ',
        "PageUp" => '\u{e00e}',
        "PageDown" => '\u{e00f}',
        "End" => '\u{e010}',
        "Home" => '\u{e011}',
        "ArrowLeft" => '\u{e012}',
        "ArrowUp" => '\u{e013}',
        "ArrowRight" => '\u{e014}',
        "ArrowDown" => '\u{e015}',
        _ => {
            assert_eq!(name.chars().count(), 1, "{name} is a key");
            return name.to_owned();
        }
    };
    code.to_string()
}
