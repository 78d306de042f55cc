//! Bytes of what travels: a command, a batch of them, a client's frame and its answer, a server's message.

use super::load::{batch, command, name, reserve};
use boxoffice::api::wire::{
    ANSWER_FRAME_BYTES_MAX, CLIENT_FRAME_BYTES_MAX, ClientFrame, ClientRequest, ServerFrame, ServerReply,
};
use boxoffice::domain::batch;
use boxoffice::domain::ids::Seat;
use boxoffice::domain::outcome::Outcome;
use boxoffice::protocol::message::Message;
use boxoffice::protocol::types::{Request, ServerId, Timestamp, ViewId};
use boxoffice::transport::frame::{self, FrameDecoder};
use boxoffice::transport::links;
use boxoffice::transport::peer::{self, PEER_FRAME_BYTES_MAX};
use bytes::BytesMut;
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use std::hint::black_box;
use std::sync::Arc;

const COMMANDS: u64 = 64;

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    commands(&mut group);
    clients(&mut group);
    servers(&mut group);
    group.finish();
}

fn commands(group: &mut BenchmarkGroup<'_, WallTime>) {
    let one = command(1, reserve(1));
    let bytes = batch::encode(&one);
    group.throughput(Throughput::Elements(1));
    group.bench_function("command/encode", |bencher| bencher.iter(|| batch::encode(black_box(&one))));
    group.bench_function("command/decode", |bencher| bencher.iter(|| batch::decode(black_box(&bytes))));
    let many: Vec<_> = (0..COMMANDS).map(|number| command(number, reserve(number))).collect();
    let encoded: Vec<_> = many.iter().map(batch::encode).collect();
    let bytes = super::load::batch(many);
    group.throughput(Throughput::Elements(COMMANDS));
    group.bench_function("batch/encode", |bencher| {
        bencher.iter(|| {
            let mut batch = batch::BatchBuilder::new();
            black_box(&encoded).iter().for_each(|command| batch.push_encoded(command).expect("short"));
            batch.finish()
        });
    });
    group.bench_function("batch/decode", |bencher| {
        bencher.iter(|| batch::commands(black_box(&bytes)).for_each(|one| drop(black_box(one))));
    });
}

/// A body out of its frame, as it comes from a socket.
fn unframed<T>(frame: &[u8], max: usize, read: impl FnOnce(&[u8]) -> T) -> T {
    let mut decoder = FrameDecoder::new(max);
    decoder.extend(frame);
    read(&decoder.next().expect("it is whole").expect("it is there"))
}

fn clients(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.throughput(Throughput::Elements(1));
    let asked = ClientFrame { id: 7, body: ClientRequest::Command(command(1, reserve(1))) };
    let seats = vec![Seat(500_000), Seat(500_001)];
    let answer =
        ServerFrame { id: 7, body: ServerReply::Outcome(Outcome::Reserved { name: name(1), seats }) };
    let mut out = BytesMut::new();
    group.bench_function("client frame/encode", |bencher| {
        bencher.iter(|| {
            out.clear();
            frame::encode_message(&mut out, black_box(&asked), CLIENT_FRAME_BYTES_MAX)
        });
    });
    group.bench_function("client frame/decode", |bencher| {
        bencher.iter(|| {
            let read = |body: &[u8]| frame::decode_message::<ClientFrame>(body);
            unframed(black_box(&out), CLIENT_FRAME_BYTES_MAX, read).expect("it was encoded above")
        });
    });
    group.bench_function("answer/encode", |bencher| {
        bencher.iter(|| {
            out.clear();
            frame::encode_message(&mut out, black_box(&answer), ANSWER_FRAME_BYTES_MAX)
        });
    });
    group.bench_function("answer/decode", |bencher| {
        bencher.iter(|| {
            let read = |body: &[u8]| frame::decode_message::<ServerFrame>(body);
            unframed(black_box(&out), ANSWER_FRAME_BYTES_MAX, read).expect("it was encoded above")
        });
    });
}

fn servers(group: &mut BenchmarkGroup<'_, WallTime>) {
    let timestamp = Timestamp { clock: 1_000_000, server: ServerId(1) };
    let batch = batch((0..COMMANDS).map(|number| command(number, reserve(number))));
    let request = Request { view: ViewId::ZERO, timestamp, time_ms: 1_700_000_000_000, batch };
    let request = Message::Request(Arc::new(request));
    let reply = Message::Reply { view: ViewId::ZERO, until: timestamp, clock: 1_000_001 };
    let mut out = BytesMut::new();
    for (what, message) in [("request of 64", request), ("reply", reply)] {
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{what}/encode"), |bencher| {
            bencher.iter(|| {
                out.clear();
                peer::encode_frame(&mut out, 1, 1, &links::encode(black_box(&message)));
            });
        });
        // Also when only the other half is asked for.
        out.clear();
        peer::encode_frame(&mut out, 1, 1, &links::encode(&message));
        group.bench_function(format!("{what}/decode"), |bencher| {
            bencher.iter(|| {
                let mut decoder = FrameDecoder::new(PEER_FRAME_BYTES_MAX);
                decoder.extend(black_box(&out));
                let body = decoder.next().expect("it is whole").expect("it is there");
                peer::decode_frame(&body).expect("it was encoded above")
            });
        });
    }
}
