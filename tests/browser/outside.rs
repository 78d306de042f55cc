//! The world outside of this machine, as browsers see it: a proxy that remembers who was asked for and lets nobody out.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Who connects and says nothing is forgotten after this.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// Listens until it is dropped.
pub struct Outside {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    asked: Mutex<Vec<String>>,
}

impl Outside {
    pub fn listen() -> Outside {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let theirs = shared.clone();
        let thread = Builder::new().name("outside".to_owned()).spawn(move || theirs.refuse_all(&listener));
        Outside { address, shared, thread: Some(thread.unwrap()) }
    }

    /// First lines of all requests so far, such as `GET http://example.com/ HTTP/1.1`.
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the listener up.
        drop(TcpStream::connect(self.address));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Shared {
    fn refuse_all(&self, listener: &TcpListener) {
        for stream in listener.incoming().flatten() {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            let _ = stream.set_read_timeout(Some(SILENCE_MAX));
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            if stream.read_line(&mut line).is_ok_and(|length| length > 0) {
                self.asked.lock().unwrap().push(line.trim_end().to_owned());
                let answer = "HTTP/1.1 502 Nobody leaves\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.get_mut().write_all(answer.as_bytes());
            }
        }
    }
}
