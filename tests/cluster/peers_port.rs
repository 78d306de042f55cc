//! The servers' port: strangers and misconfigured servers are dropped with one line, and hurt nobody.

use crate::harness::{Cluster, raw, until, wait_closed};
use boxoffice::protocol::types::{Incarnation, ServerId};
use boxoffice::transport::frame;
use boxoffice::transport::peer::PeerHello;
use boxoffice::transport::session::Hello;
use bytes::BytesMut;
use std::io::Write as _;

fn hello(cluster: &str, from: u8, to: u8, settings: &str) -> PeerHello {
    let session = Hello { incarnation: Incarnation(1), peer: None, session: 0, received: 0 };
    let (from, to) = (ServerId(from), ServerId(to));
    PeerHello { cluster: cluster.to_owned(), from, to, settings: settings.to_owned(), session }
}

/// Sends bytes to the servers' port, waits until the connection is closed, and for the line that says why.
fn is_dropped(cluster: &Cluster, bytes: &[u8], why: &str) {
    let mut stream = raw(cluster.peer_ports[&1]).unwrap();
    stream.write_all(bytes).unwrap();
    wait_closed(&mut stream);
    until("the log says why", || cluster.log(1).contains(why).then_some(()));
    let lines = cluster.log(1).lines().filter(|line| line.contains(why)).count();
    assert_eq!(lines, 1, "one line says {why:?}: {}", cluster.log(1));
}

#[test]
fn whoever_is_no_server_of_this_cluster_is_dropped_with_one_line() {
    let cluster = Cluster::started(3, "");
    let settings = "cluster: test\nseats: 120\n";
    is_dropped(&cluster, b"GET / HTTP/1.1\r\n\r\n", "bytes was announced");
    let mut garbage = BytesMut::new();
    frame::encode_into(&mut garbage, b"hello there, who are you?");
    is_dropped(&cluster, &garbage, "does not speak the protocol between servers");
    let mut flipped = hello("test", 2, 1, settings).encode().to_vec();
    flipped[20] ^= 1;
    is_dropped(&cluster, &flipped, "checksum");
    is_dropped(&cluster, &hello("other", 2, 1, settings).encode(), "belongs to cluster");
    is_dropped(&cluster, &hello("test", 9, 1, settings).encode(), "is not in the configuration");
    is_dropped(&cluster, &hello("test", 2, 3, settings).encode(), "it wants server 3");
    is_dropped(&cluster, &hello("test", 2, 1, settings).encode(), "and 120 there");
    is_dropped(&cluster, &u32::MAX.to_le_bytes(), "4294967295 bytes was announced");
    cluster.reserve(&[1], "ann", 2);
    cluster.wait_ready(&[1, 2, 3]);
}

#[test]
fn half_a_hello_is_given_up_after_a_while() {
    let cluster = Cluster::started(2, "");
    let mut stream = raw(cluster.peer_ports[&1]).unwrap();
    stream.write_all(&hello("test", 2, 1, "").encode()[..20]).unwrap();
    wait_closed(&mut stream);
    cluster.reserve(&[1], "ann", 2);
}

#[test]
fn an_old_life_of_a_server_is_refused() {
    let cluster = Cluster::started(2, "");
    let settings = boxoffice::config::ClusterConfig::load(&cluster.config).unwrap().shared_text();
    is_dropped_quietly(&cluster, &hello("test", 2, 1, &settings).encode());
    cluster.reserve(&[1, 2], "ann", 2);
    cluster.wait_ready(&[1, 2]);
}

fn is_dropped_quietly(cluster: &Cluster, bytes: &[u8]) {
    let mut stream = raw(cluster.peer_ports[&1]).unwrap();
    stream.write_all(bytes).unwrap();
    wait_closed(&mut stream);
}
