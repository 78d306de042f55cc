//! A TCP connection with what is to be sent and what came in.

use crate::error::LoadError;
use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Room that is made for one read.
const READ_BYTES: usize = 16 * 1024;

/// One connection. Everything that is ready goes out in one write.
#[derive(Debug)]
pub struct Stream {
    address: String,
    stream: TcpStream,
    /// What the next [`send`](Self::send) writes.
    pub out: BytesMut,
    /// What came in and was not taken yet.
    pub input: BytesMut,
}

impl Stream {
    /// Connects, and sends small writes at once.
    pub async fn connect(address: &str) -> Result<Stream, LoadError> {
        let stream = TcpStream::connect(address).await.map_err(LoadError::connection(address))?;
        stream.set_nodelay(true).map_err(LoadError::connection(address))?;
        let (out, input) = (BytesMut::new(), BytesMut::new());
        Ok(Stream { address: address.to_owned(), stream, out, input })
    }

    /// Writes all that is ready.
    pub async fn send(&mut self) -> Result<(), LoadError> {
        while self.out.has_remaining() {
            let written = self.stream.write_buf(&mut self.out).await;
            written.map_err(LoadError::connection(&self.address))?;
        }
        Ok(())
    }

    /// Waits for more and adds it to the input.
    pub async fn receive(&mut self) -> Result<(), LoadError> {
        self.input.reserve(READ_BYTES);
        receive(&mut self.stream, &mut self.input, &self.address).await
    }

    /// Waits for more and adds it to a buffer of somebody else's.
    pub async fn receive_into(&mut self, buffer: &mut BytesMut) -> Result<(), LoadError> {
        receive(&mut self.stream, buffer, &self.address).await
    }

    /// What the server said is not in the protocol.
    pub fn protocol(&self, what: impl Into<String>) -> LoadError {
        LoadError::Protocol { address: self.address.clone(), what: what.into() }
    }
}

async fn receive(stream: &mut TcpStream, buffer: &mut BytesMut, address: &str) -> Result<(), LoadError> {
    match stream.read_buf(buffer).await.map_err(LoadError::connection(address))? {
        0 => Err(LoadError::Closed { address: address.to_owned() }),
        _ => Ok(()),
    }
}
