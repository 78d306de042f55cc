//! A cable that can be cut: forwards connections from one port to another.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::Builder;

/// Forwards until the process ends.
pub struct Proxy {
    shared: Arc<Shared>,
}

struct Shared {
    is_cut: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub fn start(port: u16, target: u16) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let shared = Arc::new(Shared { is_cut: AtomicBool::new(false), streams: Mutex::default() });
        let proxy = Proxy { shared: shared.clone() };
        Builder::new()
            .spawn(move || listener.incoming().flatten().for_each(|s| shared.forward(s, target)))
            .unwrap();
        proxy
    }

    /// Breaks what stands now; new connections are forwarded.
    pub fn break_once(&self) {
        for stream in self.shared.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Breaks everything, now and from now on, until it is mended.
    pub fn cut(&self) {
        self.shared.is_cut.store(true, Ordering::SeqCst);
        self.break_once();
    }

    pub fn mend(&self) {
        self.shared.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Shared {
    fn forward(self: &Arc<Self>, near: TcpStream, target: u16) {
        let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)) else { return };
        let mut streams = self.streams.lock().unwrap();
        if self.is_cut.load(Ordering::SeqCst) {
            return;
        }
        for (mut from, mut to) in
            [(&near, &far), (&far, &near)].map(|(a, b)| (a.try_clone().unwrap(), b.try_clone().unwrap()))
        {
            to.set_nodelay(true).unwrap();
            let copy = move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            };
            Builder::new().spawn(copy).unwrap();
        }
        streams.extend([near, far]);
    }
}
