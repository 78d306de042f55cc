//! Chromium through chromedriver: processes that end with the test however it ends, and the WebDriver protocol in the
//! few lines of it that are needed (a crate for it would bring two dozen others and a runtime).

use crate::harness::{raw, until};
use crate::outside::Outside;
use crate::talk::request;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Waits until its input ends, because the test dropped it or is dead, and then ends all that it started and itself.
const KEEPER: &str = "chromedriver --port=0 & cat >/dev/null; kill -9 -$$";

/// What keeps Chromium from talking to anybody but pages' servers on this machine, and from asking people. What it
/// asks for of its own accord all the same ends at [`Outside`].
const ARGUMENTS: [&str; 16] = [
    "--headless=new",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--proxy-bypass-list=127.0.0.1",
    "--disable-quic",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-features=MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,Translate",
    "--no-default-browser-check",
    "--no-first-run",
    // Containers have a small /dev/shm.
    "--disable-dev-shm-usage",
    "--disable-gpu",
];

/// One chromedriver, all of whose browsers end with it.
pub struct Driver {
    keeper: Child,
    port: u16,
    pub outside: Outside,
    pub dir: TempDir,
}

impl Driver {
    pub fn start() -> Driver {
        let dir = TempDir::new().unwrap();
        let log = dir.path().join("chromedriver.log");
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER]).process_group(0).stdin(Stdio::piped());
        // Settings of whoever runs the tests are not those of the tests.
        command.env("HOME", dir.path()).env("TMPDIR", dir.path());
        for name in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "CHROMIUM_FLAGS", "CHROMIUM_USER_FLAGS", "DISPLAY"]
        {
            command.env_remove(name);
        }
        command.stdout(File::create(&log).unwrap()).stderr(File::create(dir.path().join("err")).unwrap());
        let keeper = command.spawn().unwrap();
        let mut driver = Driver { keeper, port: 0, outside: Outside::listen(), dir };
        driver.port = until("chromedriver (ci/prepare installs it) tells its port", || {
            let said = fs::read_to_string(&log).unwrap();
            said.split("started successfully on port ").nth(1)?.split('.').next()?.parse().ok()
        });
        driver
    }

    /// Starts a browser that knows nothing of the others, and tells its session.
    pub fn session(&self) -> String {
        let profile = tempfile::tempdir_in(self.dir.path()).unwrap().keep();
        let mut arguments: Vec<String> = ARGUMENTS.map(str::to_owned).into();
        arguments.push(format!("--user-data-dir={}", profile.display()));
        arguments.push(format!("--proxy-server=http://{}", self.outside.address));
        if rustix::process::geteuid().is_root() {
            arguments.push("--no-sandbox".to_owned());
        }
        let capabilities = json!({
            "browserName": "chrome",
            "timeouts": {"pageLoad": 20_000, "script": 10_000},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "goog:chromeOptions": {"args": arguments, "perfLoggingPrefs": {"enableNetwork": true, "enablePage": false}},
        });
        let asked = json!({"capabilities": {"alwaysMatch": capabilities}});
        let session =
            self.call("POST", "/session", &asked).expect("Chromium starts (ci/prepare installs it)");
        session["sessionId"].as_str().unwrap().to_owned()
    }

    /// One command, and its result or what was wrong.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let answer = self.ask(&request(method, path, "", &body));
        let (is_done, mut value) = answer.map_err(|error| format!("{method} {path}: {error}"))?;
        if is_done {
            return Ok(value["value"].take());
        }
        let (error, message) = (&value["value"]["error"], &value["value"]["message"]);
        // Behind the first line are addresses in chromedriver.
        let message = message.as_str().unwrap_or_default().lines().next().unwrap_or_default();
        Err(format!("{method} {path}: {error}: {message}"))
    }

    /// Whether it was done, and the body of the answer. Never panics: it is also asked when a test has failed.
    fn ask(&self, request: &str) -> io::Result<(bool, Value)> {
        let mut stream = raw(self.port)?;
        stream.write_all(request.as_bytes())?;
        let mut stream = BufReader::new(stream);
        let (mut status, mut length) = (String::new(), 0);
        stream.read_line(&mut status)?;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        Ok((status.contains(" 200 "), serde_json::from_slice(&body)?))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
        if !std::thread::panicking() {
            // The last of the processes may be writing still.
            until("the browsers' files are removed", || fs::remove_dir_all(self.dir.path()).ok());
        }
    }
}
