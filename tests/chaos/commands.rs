//! The README's steps, word for word, and how long one command takes when nothing is wrong.
#![expect(clippy::disallowed_methods, reason = "what a person waits for is measured on the clock")]

use crate::client::connect;
use crate::cluster::{Cluster, Ended};
use crate::wait::say;
use boxoffice::client::exchange::Wanted;
use boxoffice::domain::command::Operation;
use std::future::pending;
use std::time::{Duration, Instant};

fn said(stdout: &str, code: i32) -> Ended {
    Ended { code, stdout: format!("{stdout}\n"), stderr: String::new() }
}

#[tokio::test]
async fn the_words_of_the_readme_work_and_down_keeps_what_down_with_volumes_forgets() {
    let mut cluster = Cluster::up("commands").await;
    let began = Instant::now();
    let first = cluster.exec(&["reserve", "bob", "2"]).await;
    say(format_args!("`docker compose exec client reserve bob 2` takes {:.0?}", began.elapsed()));
    assert_eq!(first, said("The seats have been reserved for bob: 1,2.", 0));
    let again = cluster.exec(&["reserve", "bob", "3"]).await;
    assert_eq!(again, said("Failed: bob has booked the following seats: 1,2.", 1));
    let too_many = cluster.exec(&["reserve", "eve", "99"]).await;
    assert_eq!(too_many, said("Failed: only 98 seats left but 99 seats are requested.", 1));
    assert_eq!(cluster.exec(&["reserve", "eve", "0"]).await.code, 2, "nothing is sent");
    assert_eq!(cluster.exec(&["search", "bob"]).await, said("1,2", 0));
    assert_eq!(cluster.exec(&["search", "eve"]).await, said("Failed: no reservation is made by eve.", 1));
    assert_eq!(cluster.exec(&["reserve", "ann", "--seats", "4,5"]).await.code, 0);
    let seats = cluster.exec(&["seats"]).await;
    assert_eq!(seats.code, 0);
    assert!(seats.stdout.contains("100 seats: 96 free, 4 taken"), "{}", seats.stdout);
    let released = cluster.exec(&["delete", "ann"]).await;
    assert_eq!(released, said("2 seats have been released. 98 seats are now available.", 0));
    let status = cluster.exec(&["status"]).await;
    assert_eq!(status.code, 0, "{status:?}");
    assert!(status.stdout.starts_with("boxoffice: 3 of 3 servers ready"), "{}", status.stdout);

    cluster.engine.stop(2).await;
    let status = cluster.exec(&["status", "-o", "json"]).await;
    let table: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!((status.code, &table["result"]), (1, &serde_json::json!("degraded")), "{table}");
    assert_eq!(cluster.exec(&["client", "search", "bob"]).await, said("1,2", 0));

    cluster.down(&[]).await;
    cluster.start_all().await;
    assert_eq!(cluster.exec(&["search", "bob"]).await, said("1,2", 0), "kept by `down` and `up`");
    measure_one_command(&cluster).await;

    cluster.down(&["--volumes"]).await;
    cluster.start_all().await;
    assert_eq!(cluster.exec(&["search", "bob"]).await.code, 1, "forgotten by `down -v`");
    assert_eq!(cluster.seats_locally(1).await.left, 100);
}

/// On a cluster that does nothing else, through one client that is connected.
async fn measure_one_command(cluster: &Cluster) {
    let mut connection = connect(&cluster.config, &cluster.ids());
    let mut times: Vec<Duration> = Vec::new();
    for n in 0..100 {
        let name: boxoffice::domain::ids::Name = format!("measured{n}").parse().unwrap();
        let reserve = Operation::Reserve { name: name.clone(), count: 1 };
        let done = connection.call(Wanted::Operation(reserve), pending()).await;
        assert!(done.result.is_ok(), "{done:?}");
        times.push(done.took);
        let delete = Operation::Delete { name };
        assert!(connection.call(Wanted::Operation(delete), pending()).await.result.is_ok());
    }
    times.sort();
    say(format_args!(
        "one reserve on an idle cluster: median {:.1?}, longest of 100 {:.1?}",
        times[times.len() / 2],
        times[times.len() - 1]
    ));
}
