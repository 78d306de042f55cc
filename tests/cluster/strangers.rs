//! The clients' port: whatever comes in, it is answered or dropped, and nobody else notices.

use crate::harness::{Cluster, Connection, LIMIT, raw, until, wait_closed};
use boxoffice::api::wire::{
    CLIENT_FRAME_BYTES_MAX, CLIENT_PROTOCOL_VERSION, ClientRequest, Consistency, ServerError, ServerFrame,
    ServerHello, ServerReply, ServerState,
};
use boxoffice::domain::command::{Command, Operation, Query};
use boxoffice::domain::ids::{Seat, SessionId};
use boxoffice::domain::outcome::Outcome;
use boxoffice::transport::frame;
use bytes::BytesMut;
use std::io::{self, Write as _};
use std::time::Duration;

fn command(sequence: u64, operation: Operation) -> ClientRequest {
    let session = SessionId { birth_ms: 1, random: 7 };
    ClientRequest::Command(Command { session, sequence, answered_until: 0, operation, key: None })
}

#[test]
fn other_versions_and_clusters_are_told_so() {
    let cluster = Cluster::started(1, "");
    let port = cluster.client_ports[&1];
    let (_, answer) = Connection::greet(port, 99, "test").unwrap();
    let error = ServerError::WrongVersion { server: CLIENT_PROTOCOL_VERSION, client: 99 };
    assert_eq!(answer, ServerHello::Refused(error));
    let (_, answer) = Connection::greet(port, CLIENT_PROTOCOL_VERSION, "elsewhere").unwrap();
    let error = ServerError::WrongCluster { server: "test".to_owned(), client: "elsewhere".to_owned() };
    assert_eq!(answer, ServerHello::Refused(error));
}

#[test]
fn bad_frames_close_the_connection_with_one_line_and_nothing_else() {
    let cluster = Cluster::started(1, "");
    let port = cluster.client_ports[&1];
    let mut stream = raw(port).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(wait_closed(&mut stream), b"");

    let mut connection = cluster.connect(1).unwrap();
    let mut garbage = BytesMut::new();
    frame::encode_into(&mut garbage, &[0xff; 40]);
    connection.stream.write_all(&garbage).unwrap();
    let answer: ServerFrame = connection.hear().unwrap();
    assert!(matches!(answer.body, ServerReply::Error(ServerError::BadRequest { .. })), "{answer:?}");
    wait_closed(&mut connection.stream);

    let mut connection = cluster.connect(1).unwrap();
    connection.stream.write_all(&(CLIENT_FRAME_BYTES_MAX as u32 + 1).to_le_bytes()).unwrap();
    let answer: ServerFrame = connection.hear().unwrap();
    assert!(matches!(answer.body, ServerReply::Error(ServerError::BadRequest { .. })), "{answer:?}");
    wait_closed(&mut connection.stream);

    let mut half = cluster.connect(1).unwrap();
    half.stream.write_all(&[9, 0, 0]).unwrap();
    drop(half);
    until("the half frame is noticed", || cluster.log(1).contains("within a frame").then_some(()));
    let closed = cluster.log(1).lines().filter(|line| line.contains("client connection closed")).count();
    assert_eq!(closed, 4, "{}", cluster.log(1));
    cluster.reserve(&[1], "ann", 1);
}

#[test]
fn commands_that_break_a_rule_are_refused_and_the_connection_stays() {
    let cluster = Cluster::started(1, "");
    let mut connection = cluster.connect(1).unwrap();
    let name = || "bob".parse().unwrap();
    for operation in [
        Operation::Reserve { name: name(), count: 0 },
        Operation::Reserve { name: name(), count: 1_000_001 },
        Operation::ReserveSeats { name: name(), seats: vec![] },
        Operation::ReserveSeats { name: name(), seats: vec![Seat(2), Seat(2)] },
        Operation::Restore { name: name(), seats: vec![Seat(1)] },
        Operation::Withdraw { name: name(), made_until: 9 },
    ] {
        let answer = connection.call(command(1, operation)).unwrap();
        assert!(matches!(answer, ServerReply::Error(ServerError::BadRequest { .. })), "{answer:?}");
    }
    let answer = connection.call(command(1, Operation::Reserve { name: name(), count: 2 })).unwrap();
    assert!(matches!(answer, ServerReply::Outcome(Outcome::Reserved { .. })), "{answer:?}");
}

#[test]
fn a_retry_on_another_server_books_once() {
    let cluster = Cluster::started(3, "");
    let reserve = || command(1, Operation::Reserve { name: "bob".parse().unwrap(), count: 2 });
    let first = cluster.connect(1).unwrap().call(reserve()).unwrap();
    let again = cluster.connect(2).unwrap().call(reserve()).unwrap();
    assert_eq!(first, again);
    assert_eq!(cluster.row(3).unwrap().seats_left, 98);
}

#[test]
fn pipelined_commands_are_answered_each() {
    let cluster = Cluster::started(3, "");
    let mut connection = cluster.connect(2).unwrap();
    let count = connection.in_flight_max.min(500);
    for n in 1..=count {
        let name = format!("name{n}").parse().unwrap();
        connection.ask(command(u64::from(n), Operation::Reserve { name, count: 1 })).unwrap();
    }
    let mut answered = std::collections::BTreeSet::new();
    for _ in 1..=count {
        let answer: ServerFrame = connection.hear().unwrap();
        assert!(matches!(answer.body, ServerReply::Outcome(_)), "{answer:?}");
        answered.insert(answer.id);
    }
    assert_eq!(answered.len(), count as usize);
}

#[test]
fn a_client_that_never_reads_is_stopped_and_nobody_else_notices() {
    let cluster = Cluster::started(1, "");
    let mut deaf = cluster.connect(1).unwrap();
    deaf.stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let query = ClientRequest::Query { query: Query::Seats, consistency: Consistency::Local };
    let mut out = BytesMut::new();
    for id in 0..1_000 {
        let frame = boxoffice::api::wire::ClientFrame { id, body: query.clone() };
        frame::encode_message(&mut out, &frame, CLIENT_FRAME_BYTES_MAX).unwrap();
    }
    let mut written = 0u64;
    let stopped = loop {
        match deaf.stream.write_all(&out) {
            Ok(()) => written += out.len() as u64,
            Err(error) => break error,
        }
        assert!(written < 200 << 20, "the server reads on without bound");
    };
    assert!(matches!(stopped.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{stopped}");
    cluster.reserve(&[1], "ann", 1);
    until("it is cut off", || cluster.log(1).contains("it takes no answers").then_some(()));
}

#[test]
fn a_thousand_idle_connections_disturb_nobody() {
    let cluster = Cluster::started(1, "");
    let idle: Vec<Connection> = (0..1_000).map(|_| cluster.connect(1).unwrap()).collect();
    cluster.reserve(&[1], "ann", 1);
    assert_eq!(cluster.row(1).unwrap().state, ServerState::Ready);
    assert_eq!(idle.len(), 1_000);
}

#[test]
fn one_connection_too_many_is_told_so() {
    let cluster = Cluster::started(1, "limits: {client_connections_max: 3}\n");
    let open = until("three connections stand", || {
        let open: Vec<Connection> = (0..3).map_while(|_| cluster.connect(1).ok()).collect();
        (open.len() == 3).then_some(open)
    });
    let (_, answer) = Connection::greet(cluster.client_ports[&1], CLIENT_PROTOCOL_VERSION, "test").unwrap();
    assert_eq!(answer, ServerHello::Refused(ServerError::TooManyConnections { connections: 3 }));
    drop(open);
    until("there is room again", || cluster.connect(1).ok());
}

#[test]
fn an_idle_connection_is_closed_after_a_while() {
    let cluster = Cluster::described(1, "");
    let text = std::fs::read_to_string(&cluster.config).unwrap();
    std::fs::write(&cluster.config, text.replace("lease_ms: 300", "lease_ms: 300, idle_ms: 1000")).unwrap();
    let mut cluster = cluster;
    cluster.start(1);
    cluster.wait_ready(&[1]);
    let mut connection = cluster.connect(1).unwrap();
    connection.stream.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(wait_closed(&mut connection.stream), b"");
}
