//! One TCP connection to one server: hello, then frames both ways.

use crate::{
    api::wire::{
        ANSWER_FRAME_BYTES_MAX, CLIENT_FRAME_BYTES_MAX, CLIENT_MAGIC, CLIENT_PROTOCOL_VERSION, ClientFrame,
        ClientHello, ServerError, ServerFrame, ServerHello,
    },
    transport::frame::{DecodeError, EncodeError, FrameDecoder, FrameError, decode_message, encode_message},
};
use bytes::BytesMut;
use serde::de::DeserializeOwned;
use std::io;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Why there is no link, or none any more.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// It could not be set up: refused, no route, no such name.
    #[error("cannot connect: {}", words(.0))]
    Connect(#[source] io::Error),
    /// It broke.
    #[error("the connection broke: {}", words(.0))]
    Io(#[source] io::Error),
    /// The server closed it.
    #[error("the server closed the connection")]
    Closed,
    /// The server closed it within a frame.
    #[error("the server closed the connection in the middle of an answer")]
    Cut,
    /// What came in is no frame.
    #[error("this is no boxoffice server, or the answer was damaged: {0}")]
    Frame(#[from] FrameError),
    /// What came in is no answer.
    #[error("the answer cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// Nothing came in, in time.
    #[error("no answer within the time allowed")]
    TimedOut,
    /// The server does not take us.
    #[error("{0}")]
    Refused(ServerError),
}

/// What a server says of itself when it takes us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// Its id.
    pub server: u8,
    /// The state's time.
    pub state_time_ms: u64,
    /// Seats of the theatre.
    pub capacity: u32,
    /// How many frames may be unanswered.
    pub in_flight_max: u32,
}

/// A link on which the hellos are done.
#[derive(Debug)]
pub struct Link {
    stream: TcpStream,
    decoder: FrameDecoder,
    out: BytesMut,
}

impl Link {
    /// Connects and exchanges hellos. Has no timeout of its own; dropping it half-way is fine.
    pub async fn dial(
        address: &str,
        cluster: &str,
        token: Option<&str>,
    ) -> Result<(Link, Welcome), LinkError> {
        // Each dial looks the name up again: a container that was restarted may have another address.
        let stream = TcpStream::connect(address).await.map_err(LinkError::Connect)?;
        stream.set_nodelay(true).map_err(LinkError::Connect)?;
        let mut link =
            Link { stream, decoder: FrameDecoder::new(ANSWER_FRAME_BYTES_MAX), out: BytesMut::new() };
        let hello = ClientHello {
            magic: CLIENT_MAGIC,
            version: CLIENT_PROTOCOL_VERSION,
            cluster: cluster.to_owned(),
            token: token.map(str::to_owned),
        };
        encode_message(&mut link.out, &hello, CLIENT_FRAME_BYTES_MAX)
            .expect("a checked cluster name and a token fit into a frame");
        match link.next().await? {
            ServerHello::Welcome { server, state_time_ms, capacity, in_flight_max } => {
                Ok((link, Welcome { server, state_time_ms, capacity, in_flight_max }))
            }
            ServerHello::Refused(error) => Err(LinkError::Refused(error)),
        }
    }

    /// Puts a request behind those that are to be written.
    pub fn queue(&mut self, frame: &ClientFrame) -> Result<(), EncodeError> {
        encode_message(&mut self.out, frame, CLIENT_FRAME_BYTES_MAX)
    }

    /// Writes what is queued until an answer comes in. May be dropped at any point and called again.
    pub async fn receive(&mut self) -> Result<ServerFrame, LinkError> {
        self.next().await
    }

    /// An answer that was read together with another one already.
    pub fn buffered(&mut self) -> Result<Option<ServerFrame>, LinkError> {
        self.decoded()
    }

    /// Whether the server has closed a link on which nothing is asked. Anything it says unasked counts too.
    pub fn is_closed(&self) -> bool {
        let mut byte = [0];
        !matches!(self.stream.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    fn decoded<T: DeserializeOwned>(&mut self) -> Result<Option<T>, LinkError> {
        match self.decoder.next()? {
            Some(body) => Ok(Some(decode_message(&body)?)),
            None => Ok(None),
        }
    }

    async fn next<T: DeserializeOwned>(&mut self) -> Result<T, LinkError> {
        loop {
            if let Some(message) = self.decoded()? {
                return Ok(message);
            }
            let (mut read, mut write) = self.stream.split();
            // Both at once: a server that answers before it reads on must not be waited for with a full pipe.
            let got = tokio::select! {
                written = write.write_buf(&mut self.out), if !self.out.is_empty() => {
                    written.map_err(LinkError::Io)?;
                    continue;
                }
                got = read.read_buf(self.decoder.space()) => got.map_err(LinkError::Io)?,
            };
            if got == 0 {
                return Err(if self.decoder.is_between_frames() {
                    LinkError::Closed
                } else {
                    LinkError::Cut
                });
            }
        }
    }
}

/// The system's words without its number.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
