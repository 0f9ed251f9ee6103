//! A browser that stays open: its pages are loaded, resized, asked, and typed into, by the DevTools protocol over two pipes.

use std::process::Stdio;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::harness::browser::{MEASURE, Measured};
use crate::harness::{assets, wait};

/// Chromium reads commands from descriptor 3 and writes answers to 4.
const PIPES: &str = r#"exec 3<&0 4>&1; exec "$0" "$@" </dev/null >/dev/null 2>&1"#;

/// A browser with one page; ends when dropped, and with the test binary if that ends first.
pub(crate) struct Page {
    wire: Mutex<Wire>,
    _child: Child,
    _folder: TempDir,
}

/// Commands go one after another; what happens between is kept.
struct Wire {
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    session: Value,
    sent: u64,
    events: Vec<Value>,
}

impl Wire {
    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let mut command = json!({"id": self.sent, "method": method, "params": params});
        if self.session.is_string() {
            command["sessionId"] = self.session.clone();
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).await.unwrap();
        loop {
            let message = self.read(method).await;
            if message["id"] == self.sent {
                assert!(message["error"].is_null(), "{command}: {message}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    async fn read(&mut self, method: &str) -> Value {
        let mut message = Vec::new();
        let read = timeout(wait::PATIENCE, self.answers.read_until(0, &mut message)).await;
        read.unwrap_or_else(|_| panic!("the browser does not answer {method}")).unwrap();
        assert_eq!(message.pop(), Some(0), "the browser ended at {method}");
        serde_json::from_slice(&message).unwrap()
    }
}

impl Page {
    /// Opens a browser with an empty page.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", PIPES])
            .arg(assets::find("chromium"))
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .env("HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (commands, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut wire = Wire { commands, answers, session: Value::Null, sent: 0, events: Vec::new() };
        let target = wire.ask("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        wire.session = wire.ask("Target.attachToTarget", attach).await["sessionId"].clone();
        for domain in ["Page", "Runtime", "Log", "Audits", "Network"] {
            wire.ask(&format!("{domain}.enable"), json!({})).await;
        }
        wire.ask("Emulation.setFocusEmulationEnabled", json!({"enabled": true})).await;
        // As on a phone, no bar takes of the width.
        wire.ask("Emulation.setScrollbarsHidden", json!({"hidden": true})).await;
        Self { wire: Mutex::new(wire), _child: child, _folder: folder }
    }

    async fn ask(&self, method: &str, params: Value) -> Value {
        self.wire.lock().await.ask(method, params).await
    }

    /// Shows what is at this address, and waits until all of it is there.
    pub(crate) async fn open(&self, url: &str) {
        let opened = self.ask("Page.navigate", json!({"url": url})).await;
        assert!(opened["errorText"].is_null(), "{url}: {opened}");
        wait::until("the page is loaded", async || {
            let state: String = self.eval("document.readyState").await;
            if state == "complete" { Ok(()) } else { Err(state) }
        })
        .await;
    }

    /// How wide the window is, in pixels, and whether the reader asks for `light` or `dark`.
    pub(crate) async fn look(&self, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.ask("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.ask("Emulation.setEmulatedMedia", features).await;
    }

    /// Pages that are opened from now on run no script.
    pub(crate) async fn without_scripts(&self) {
        self.ask("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    }

    /// What an expression is in the page, whatever its policy says of scripts.
    pub(crate) async fn eval<T: DeserializeOwned>(&self, expression: &str) -> T {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let found = self.ask("Runtime.evaluate", asked).await;
        assert!(found["exceptionDetails"].is_null(), "{expression}: {found}");
        serde_json::from_value(found["result"]["value"].clone())
            .unwrap_or_else(|error| panic!("{expression}: {error}: {found}"))
    }

    /// What a reader sees.
    pub(crate) async fn measure(&self) -> Measured {
        self.eval(&format!("(() => {{ {MEASURE} return measured(document, window); }})()")).await
    }

    /// Presses a key by its name and number, such as `Tab`, 9.
    pub(crate) async fn press(&self, key: &str, number: u32) {
        for kind in ["rawKeyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": number});
            self.ask("Input.dispatchKeyEvent", event).await;
        }
    }

    /// What the console and the browser's own checks have complained about: errors, warnings, whatever a policy refused, and
    /// requests that failed.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        // What came before its answer is read.
        let _answered: u32 = self.eval("1").await;
        self.wire
            .lock()
            .await
            .events
            .iter()
            .filter(|event| is_complaint(event))
            .map(Value::to_string)
            .collect()
    }

    /// The whole page as a PNG.
    pub(crate) async fn screenshot(&self) -> Vec<u8> {
        let whole = json!({"format": "png", "captureBeyondViewport": true});
        let shot = self.ask("Page.captureScreenshot", whole).await;
        serde_json::from_value::<k8s_openapi::ByteString>(shot["data"].clone()).unwrap().0
    }
}

fn is_complaint(event: &Value) -> bool {
    let params = &event["params"];
    match event["method"].as_str() {
        Some("Runtime.exceptionThrown" | "Audits.issueAdded" | "Network.loadingFailed") => true,
        Some("Runtime.consoleAPICalled") => {
            matches!(params["type"].as_str(), Some("error" | "warning" | "assert"))
        }
        Some("Log.entryAdded") => matches!(params["entry"]["level"].as_str(), Some("error" | "warning")),
        _ => false,
    }
}
