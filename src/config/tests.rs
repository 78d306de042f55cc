//! Every error a configuration can have, by its words and its line.

use super::*;

const GOOD: &str = "\
# a comment: seats: 5
cluster: boxoffice
seats: 100
replication: lamport
availability: any
durability: fsync
servers:
  - {id: 2, host: server2, peer_host: server2.peers, peer_port: 7100, client_port: 7200}
  - {id: 1, host: server1, peer_port: 7100, client_port: 7200}
  - id: 3   # in block style
    host: 127.0.0.1
    peer_port: 7300
    client_port: 7400
timeouts: {heartbeat_ms: 200, suspect_ms: 5000}
limits:
  batch_bytes_max: 262144
  sessions_max: 100000
";

fn parse(text: &str) -> Result<ClusterConfig, ConfigError> {
    ClusterConfig::parse(text, Path::new("cluster.yaml"))
}

/// What is said when one piece of the good configuration is replaced.
fn error(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from:?} is not in the good configuration");
    parse(&GOOD.replacen(from, to, 1)).expect_err("it must be refused").to_string()
}

#[test]
fn a_good_file_gives_all_values_in_id_order() {
    let config = parse(GOOD).unwrap();
    assert_eq!(config.ids(), "1, 2, 3");
    assert_eq!(config.seats, 100);
    assert_eq!(config.server(2).unwrap().peer_address(), "server2.peers:7100");
    assert_eq!(config.server(1).unwrap().peer_address(), "server1:7100");
    assert_eq!(config.server(1).unwrap().client_address(), "server1:7200");
    assert_eq!(config.server(1).unwrap().listen.to_string(), "0.0.0.0");
    assert_eq!(config.server(3).unwrap().listen.to_string(), "127.0.0.1", "loopback is not opened to others");
    assert_eq!(config.server(4), None);
    assert_eq!(config.limits.pending_commands_max, 65_536);
}

#[test]
fn what_is_left_out_has_its_default() {
    let text = "cluster: a\nseats: 1\nservers: [{id: 1, host: '::1', peer_port: 1, client_port: 2}]\n";
    let config = parse(text).unwrap();
    assert_eq!(config.replication, Replication::Lamport);
    assert_eq!((config.availability, config.durability), (Availability::Any, Durability::Fsync));
    assert_eq!((config.timeouts.clone(), config.limits.clone()), (Timeouts::default(), Limits::default()));
    assert_eq!(config.servers[0].client_address(), "[::1]:2");
    assert!(config.timeouts.check_relations().is_ok() && config.limits.check_relations().is_ok());
}

#[test]
fn a_seat_count_out_of_range_names_file_line_key_and_range() {
    let words = "cluster.yaml:3: seats: 0 is out of range; write a number from 1 to 1000000";
    assert_eq!(error("seats: 100\n", "seats: 0\n"), words);
    assert!(error("seats: 100\n", "seats: 1000001\n").starts_with("cluster.yaml:3: seats: 1000001 is out"));
    assert!(error("seats: 100\n", "seats: -5\n").starts_with("cluster.yaml:3: seats: -5 is out of range"));
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let words = error("seats: 100\n", "seats: 100\nsets: 4\n");
    assert!(words.starts_with("cluster.yaml:4: "), "{words}");
    assert!(words.contains("unknown field `sets`") && words.contains("correct or remove"), "{words}");
    let words = error("peer_host:", "peerhost:");
    assert!(words.starts_with("cluster.yaml:8: servers[0]: unknown field `peerhost`"), "{words}");
    let words = error("batch_bytes_max", "batch_bytes");
    assert!(words.starts_with("cluster.yaml:16: limits: unknown field `batch_bytes`"), "{words}");
}

#[test]
fn a_missing_key_is_named() {
    let words = error("seats: 100\n", "");
    assert!(words.contains("missing field `seats`") && words.contains("add the key"), "{words}");
    let words = parse("").unwrap_err().to_string();
    assert!(words.contains("missing field `cluster`") || words.contains("EndOfStream"), "{words}");
}

#[test]
fn a_text_where_a_number_belongs_is_named_with_its_line() {
    let words = error("seats: 100\n", "seats: many\n");
    assert!(words.starts_with("cluster.yaml:3: seats: invalid type: string \"many\""), "{words}");
}

#[test]
fn a_key_given_twice_is_refused() {
    let words = error("seats: 100\n", "seats: 100\nseats: 7\n");
    assert!(words.contains("duplicate field `seats`"), "{words}");
}

#[test]
fn what_is_not_yaml_is_refused_with_its_line() {
    let words = error("seats: 100\n", "seats: [100\n");
    assert!(words.starts_with("cluster.yaml:"), "{words}");
}

#[test]
fn engines_of_later_versions_are_said_to_be_so() {
    let words = "cluster.yaml:4: replication: \"raft\" is not in this version; write lamport";
    assert_eq!(error("replication: lamport", "replication: raft"), words);
    assert!(error("replication: lamport", "replication: sequencer").contains("not in this version"));
    assert!(error("replication: lamport", "replication: paxos").contains("\"paxos\" is not known"));
}

#[test]
fn unknown_words_are_met_with_the_known_ones() {
    let words = "cluster.yaml:5: availability: \"all\" is not known; write any or majority";
    assert_eq!(error("availability: any", "availability: all"), words);
    let words = "cluster.yaml:6: durability: \"disk\" is not known; write fsync or memory";
    assert_eq!(error("durability: fsync", "durability: disk"), words);
}

#[test]
fn a_cluster_name_is_a_plain_word() {
    for bad in ["\"\"", "\"box office\"", "\"a/b\"", "\"é\""] {
        let words = error("cluster: boxoffice", &format!("cluster: {bad}"));
        assert!(
            words.starts_with("cluster.yaml:2: cluster: ") && words.contains("no cluster name"),
            "{words}"
        );
    }
}

#[test]
fn the_number_of_servers_is_bounded() {
    let head = "cluster: a\nseats: 1\nservers:\n";
    let server =
        |id: u32| format!("  - {{id: {id}, host: h, peer_port: {}, client_port: {}}}\n", id, 100 + id);
    let all = |n: u32| format!("{head}{}", (1..=n).map(server).collect::<String>());
    assert!(parse(&all(9)).is_ok());
    let words = "cluster.yaml:3: servers: there are 10 servers; write 1 to 9";
    assert_eq!(parse(&all(10)).unwrap_err().to_string(), words);
    let none = "cluster: a\nseats: 1\nservers: []\n";
    assert!(parse(none).unwrap_err().to_string().contains("there are 0 servers"));
}

#[test]
fn an_id_given_twice_names_the_second_line() {
    let words = "cluster.yaml:9: servers: id 2 is given twice; give each server its own";
    assert_eq!(error("id: 1, host: server1", "id: 2, host: server1"), words);
    let words = error("id: 3   #", "id: 10   #");
    assert_eq!(words, "cluster.yaml:10: servers.id: 10 is out of range; write a number from 1 to 9");
}

#[test]
fn an_address_given_twice_names_both_owners() {
    let words = "cluster.yaml:9: servers: client_port of server 2 and client_port of server 1 are both at \
                 server2:7200; change one of the ports or hosts";
    assert_eq!(error("host: server1,", "host: server2,"), words);
    let words = error("client_port: 7400", "client_port: 7300");
    assert!(words.starts_with("cluster.yaml:12: servers: client_port of server 3 and peer_port of server 3"));
    let same_port_two_hosts = "peer_host: server2.peers, peer_port: 7200";
    let words = error("peer_host: server2.peers, peer_port: 7100", same_port_two_hosts);
    assert!(words.contains("of server 2 are both at server2:7200"), "{words}");
    let upper = error("host: server1,", "host: SERVER2,");
    assert!(upper.contains("are both at"), "names do not differ by case: {upper}");
}

#[test]
fn ports_and_hosts_are_checked() {
    let words = error("peer_port: 7300", "peer_port: 0");
    assert_eq!(
        words,
        "cluster.yaml:12: servers.peer_port: 0 is out of range; write a number from 1 to 65535"
    );
    let words = error("host: server1,", "host: 'server1:7200',");
    assert!(
        words.starts_with("cluster.yaml:9: servers: host \"server1:7200\" of server 1 is no host"),
        "{words}"
    );
    let words = error("host: 127.0.0.1", "host: 127.0.0.1\n    listen: server3");
    assert!(
        words.starts_with("cluster.yaml:12: servers: listen \"server3\" of server 3 is no IP"),
        "{words}"
    );
}

#[test]
fn timeouts_must_go_together() {
    let words = "cluster.yaml:14: timeouts.suspect_ms: 500 must be at least three times heartbeat_ms, which is \
                 600; otherwise one lost heartbeat would be taken for a crash";
    assert_eq!(error("suspect_ms: 5000", "suspect_ms: 500"), words);
    let set = |keys: &str| error("{heartbeat_ms: 200, suspect_ms: 5000}", &format!("{{{keys}}}"));
    assert!(set("probe_ms: 5001").contains("timeouts.probe_ms: 5001 must be at most suspect_ms"));
    assert!(set("lease_ms: 2501").contains("timeouts.lease_ms: 2501 must be at most half of suspect_ms"));
    assert!(set("lease_ms: 399").contains("timeouts.lease_ms: 399 must be at least twice heartbeat_ms"));
    assert!(set("client_ms: 0").starts_with("cluster.yaml:14: timeouts.client_ms: 0 is out of range"));
}

#[test]
fn limits_must_go_together() {
    let set = |keys: &str| error("  sessions_max: 100000\n", keys);
    assert!(set("  disk_bytes_max: 100000000\n").starts_with("cluster.yaml:17: limits.disk_bytes_max"));
    assert!(set("  client_in_flight_max: 1025\n").contains("at most outcomes_per_session_max"));
    assert!(set("  peer_queue_bytes_max: 1000000\n").contains("at least four times batch_bytes_max"));
    assert!(
        set("  session_age_s: 599\n")
            .contains("limits.time_step_ms_max: 600000 must be at most session_age_s")
    );
    assert!(set("  batch_bytes_max: 1\n").contains("duplicate field"));
    assert!(
        set("  sessions_max: 99999999999999999999\n").starts_with("cluster.yaml:17: limits.sessions_max")
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let words = ClusterConfig::load(Path::new("/nowhere/cluster.yaml")).unwrap_err().to_string();
    assert!(words.starts_with("/nowhere/cluster.yaml: cannot be read: No such file"), "{words}");
    assert!(words.ends_with("name another file with --config"), "{words}");
}

#[test]
fn servers_must_agree_on_what_the_state_depends_on_and_on_nothing_else() {
    let shared = |from: &str, to: &str| parse(&GOOD.replace(from, to)).unwrap().shared_text();
    let ours = parse(GOOD).unwrap().shared_text();
    assert!(ours.contains("\nseats: 100\n"), "{ours}");
    assert_ne!(ours, shared("seats: 100\n", "seats: 120\n"));
    assert_eq!(ours, shared("suspect_ms: 5000", "suspect_ms: 6000"), "timeouts may differ for a while");
}

#[test]
fn branches_and_kinds_are_lists_in_the_file() {
    let text = format!(
        "{GOOD}branches:\n  - {{code: QUE, name: Quebec, theatres: [Grand Rex, Apollo]}}\n  - code: AAA\nkinds: [Films, Metropolis]\nholds: {{seconds: 60}}\n"
    );
    let config = parse(&text).unwrap();
    let branches: Vec<String> = config
        .branches
        .iter()
        .map(|(code, branch)| format!("{code} {} {}", branch.name, branch.theatres.len()))
        .collect();
    assert_eq!(branches, ["AAA AAA 0", "QUE Quebec 2"]);
    assert_eq!(config.kinds.len(), 2);
    assert_eq!((config.events().hold_ms, config.events().offer_ms), (60_000, 300_000));
    assert_eq!(config.events().validate(), Ok(()));
    let shared = config.shared_text();
    for line in ["branches: QUE Quebec; Apollo; Grand Rex\n", "kinds: Films\n", "holds.seconds: 60\n"] {
        assert!(shared.contains(line), "{shared}");
    }
    let many: String = (0..500).map(|number| format!("Film {number}, ")).collect();
    let long = |last: &str| parse(&format!("{GOOD}kinds: [{many}{last}]\n")).unwrap().shared_text();
    assert!(long("Films").len() < 2_000, "servers tell each other a hash of long lists");
    assert_ne!(long("Films"), long("Movies"));
    assert_eq!(parse(GOOD).unwrap().events(), crate::domain::events::config::EventsConfig::default());
}

#[test]
fn a_branch_or_kind_that_is_none_or_comes_twice_is_refused() {
    for (section, words) in [
        ("branches: [{code: tor}]", "branches: \"tor\": a branch has three letters, such as TOR"),
        ("branches: [{code: TOR}, {code: TOR}]", "branches: \"TOR\": it is there already"),
        ("branches: [{code: TOR, theatres: [a, a]}]", "branches: \"a\": it is there already"),
        ("branches: [{code: TOR, name: ''}]", "branches: \"\": a name must have at least 1 character"),
        ("kinds: [Films, Films]", "kinds: \"Films\": it is there already"),
        ("holds: {seconds: 0}", "holds.seconds: 0 is out of range; write a number from 1 to 2592000"),
    ] {
        let error = parse(&format!("{GOOD}{section}\n")).expect_err(section).to_string();
        assert!(error.starts_with("cluster.yaml:18: ") && error.contains(words), "{error}");
    }
}

#[test]
fn who_people_are_can_be_asked_for_only_with_a_key() {
    let key = crate::auth::new_key().unwrap().1;
    let config =
        parse(&format!("{GOOD}auth: {{mode: required, public_key: {key}}}\naudit: {{file_mib: 0}}\n"))
            .unwrap();
    assert_eq!((config.auth.is_required, config.auth.public_key.as_deref()), (true, Some(key.as_str())));
    assert_eq!(config.audit.file_mib, 0);
    assert!(!parse(GOOD).unwrap().auth.is_required);
    for (section, words) in [
        ("auth: {mode: required}", "make one with \"client token new-key\""),
        ("auth: {mode: maybe}", "write optional or required"),
        ("auth: {public_key: k4.secret.x}", "this is no public key"),
        ("auth: {key: x}", "unknown field `key`"),
    ] {
        let error = parse(&format!("{GOOD}{section}\n")).expect_err(section).to_string();
        assert!(error.starts_with("cluster.yaml:18:") && error.contains(words), "{error}");
    }
}

#[test]
fn a_server_has_an_http_port_where_one_is_given() {
    let config =
        parse(&GOOD.replacen("client_port: 7200}", "client_port: 7200, http_port: 8080}", 1)).unwrap();
    assert_eq!(config.server(2).unwrap().http_address().as_deref(), Some("server2:8080"));
    assert_eq!(config.server(2).unwrap().http_origin().as_deref(), Some("http://server2:8080"));
    assert_eq!(config.server(1).unwrap().http_address(), None);
    assert_eq!(config.http, Http::default());
    for port in [7100, 7200] {
        let words = error("client_port: 7200}", &format!("client_port: 7200, http_port: {port}}}"));
        assert!(
            words.contains("http_port of server 2") || words.contains("peer_port of server 2"),
            "{words}"
        );
    }
    let words = error("client_port: 7200}", "client_port: 7200, http_port: 0}");
    assert!(words.starts_with("cluster.yaml:8: servers.http_port: 0 is out of range"), "{words}");
}

#[test]
fn streams_leave_connections_for_others() {
    let words =
        parse(&format!("{GOOD}http: {{streams_max: 9, connections_max: 9}}\n")).unwrap_err().to_string();
    assert!(words.starts_with("cluster.yaml:18: http.streams_max"), "{words}");
    assert!(words.contains("event streams could take every connection"), "{words}");
    assert!(parse(&format!("{GOOD}http: {{streams_max: 8, connections_max: 9}}\n")).is_ok());
}

#[test]
fn a_url_for_browsers_is_an_origin_and_nothing_more() {
    let with = |url: &str| {
        parse(&GOOD.replace(
            "client_port: 7400",
            &format!("client_port: 7400\n    http_port: 80\n    http_url: {url}"),
        ))
    };
    let origin = |url: &str| with(url).unwrap().server(3).unwrap().http_origin();
    assert_eq!(origin("https://Tickets.example").as_deref(), Some("https://tickets.example"));
    assert_eq!(origin("'http://[::1]:8080'").as_deref(), Some("http://[::1]:8080"));
    assert_eq!(origin("https://tickets.example:443").as_deref(), Some("https://tickets.example"));
    assert_eq!(origin("http://tickets.example:443").as_deref(), Some("http://tickets.example:443"));
    let local = parse(&GOOD.replace("client_port: 7400", "client_port: 7400\n    http_port: 80")).unwrap();
    assert_eq!(local.server(3).unwrap().http_origin().as_deref(), Some("http://127.0.0.1"));
    for wrong in [
        "'http://:80'",
        "http://a:b:c",
        "http://a:70000",
        "'http://[a]'",
        "'http://a:'",
        "tickets.example",
        "http://",
        "http://a/b",
        "http://a/",
        "ftp://a",
        "http://me@a",
        "'http://a b'",
    ] {
        let words = with(wrong).unwrap_err().to_string();
        assert!(words.starts_with("cluster.yaml:15: servers: http_url of server 3: "), "{words}");
    }
}
