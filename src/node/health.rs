//! Asks the server on this machine how it is, the way a client would.

use crate::api::wire::{
    ANSWER_FRAME_BYTES_MAX, CLIENT_MAGIC, CLIENT_PROTOCOL_VERSION, ClientFrame, ClientHello, ClientRequest,
    ServerFrame, ServerHello, ServerReply, ServerState,
};
use crate::config::ClusterConfig;
use crate::transport::frame::{self, DecodeError, FrameDecoder, FrameError};
use bytes::BytesMut;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long each step may take: a container's health check has two seconds in all.
const WAIT: Duration = Duration::from_millis(800);

/// Why the server is not healthy.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// The id is not in the configuration.
    #[error("server {0} is not in the configuration")]
    UnknownId(u8),
    /// Nobody is there, or does not answer.
    #[error("no answer at {address}: {source}")]
    Unreachable {
        /// Where.
        address: SocketAddr,
        /// The system's word.
        source: io::Error,
    },
    /// Something else has the port.
    #[error("the answer is no server's: {0}")]
    Frame(#[from] FrameError),
    /// Something else has the port.
    #[error("the answer is no server's: {0}")]
    Message(#[from] DecodeError),
    /// A server, but not this one.
    #[error("another answer than was asked for: {0}")]
    Unexpected(String),
    /// It does not serve.
    #[error("server {id} is {state}: {reason}")]
    NotReady {
        /// Which.
        id: u8,
        /// What it does.
        state: ServerState,
        /// Why.
        reason: String,
    },
}

/// Whether server `id` on this machine serves clients.
///
/// # Errors
/// It does not; says why.
pub fn check(config: &ClusterConfig, id: u8) -> Result<(), Unhealthy> {
    let server = config.server(id).ok_or(Unhealthy::UnknownId(id))?;
    let ip = match server.listen {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let address = SocketAddr::new(ip, server.client_port);
    let unreachable = |source| Unhealthy::Unreachable { address, source };
    let mut stream = TcpStream::connect_timeout(&address, WAIT).map_err(unreachable)?;
    let waits = stream.set_read_timeout(Some(WAIT)).and_then(|()| stream.set_write_timeout(Some(WAIT)));
    waits.map_err(unreachable)?;
    let mut decoder = FrameDecoder::new(ANSWER_FRAME_BYTES_MAX);
    let hello = ClientHello {
        magic: CLIENT_MAGIC,
        version: CLIENT_PROTOCOL_VERSION,
        cluster: config.cluster.clone(),
        token: None,
    };
    say(&mut stream, &hello).map_err(unreachable)?;
    match hear::<ServerHello>(&mut stream, &mut decoder, address)? {
        ServerHello::Welcome { server, .. } if server == id => {}
        ServerHello::Welcome { server, .. } => {
            return Err(Unhealthy::Unexpected(format!("this is server {server}")));
        }
        ServerHello::Refused(error) => return Err(Unhealthy::Unexpected(error.to_string())),
    }
    say(&mut stream, &ClientFrame { id: 1, body: ClientRequest::Status }).map_err(unreachable)?;
    match hear::<ServerFrame>(&mut stream, &mut decoder, address)?.body {
        ServerReply::Status(report) => match report.servers.into_iter().find(|row| row.id == id) {
            Some(row) if row.state == ServerState::Ready => Ok(()),
            Some(row) => Err(Unhealthy::NotReady { id, state: row.state, reason: row.reason }),
            None => Err(Unhealthy::UnknownId(id)),
        },
        other => Err(Unhealthy::Unexpected(format!("{other:?}"))),
    }
}

fn say(stream: &mut TcpStream, message: &impl Serialize) -> io::Result<()> {
    let mut out = BytesMut::new();
    frame::encode_message(&mut out, message, ANSWER_FRAME_BYTES_MAX).map_err(io::Error::other)?;
    stream.write_all(&out)
}

fn hear<T: DeserializeOwned>(
    stream: &mut TcpStream,
    decoder: &mut FrameDecoder,
    address: SocketAddr,
) -> Result<T, Unhealthy> {
    let mut bytes = [0; 4096];
    loop {
        if let Some(body) = decoder.next()? {
            return Ok(frame::decode_message(&body)?);
        }
        match stream.read(&mut bytes) {
            Ok(0) => {
                let source = io::ErrorKind::UnexpectedEof.into();
                return Err(Unhealthy::Unreachable { address, source });
            }
            Ok(read) => decoder.extend(&bytes[..read]),
            Err(source) => return Err(Unhealthy::Unreachable { address, source }),
        }
    }
}
