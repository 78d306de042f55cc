//! Managers get through when customers take all there is.

use super::talk::{Answer, Http, request};
use crate::harness::{Cluster, until};
use crate::tokens::Operator;
use rustix::process::Signal;

const SEATS: &str = "/v1/seats";

struct House {
    cluster: Cluster,
    manager: String,
    customer: String,
}

impl House {
    fn new(servers: u8, http: &str) -> House {
        let operator = Operator::new();
        let section = operator.section.replace("required", "optional");
        let cluster = Cluster::started(servers, &format!("{section}http: {http}\n"));
        let headers =
            |role, id| format!("authorization: Bearer {}\r\n", operator.issue(&cluster, role, id).unwrap());
        let (manager, customer) = (headers("manager", "TORM0001"), headers("customer", "TORC0001"));
        House { cluster, manager, customer }
    }

    fn look(&self, headers: &str) -> Answer {
        Http::open(&self.cluster, 1).ask("GET", SEATS, headers, "")
    }
}

#[test]
fn managers_have_places_of_their_own() {
    let house = House::new(2, "{requests_max: 1, manager_requests_max: 1}");
    house.cluster.signal(2, Signal::STOP);
    let hold = |headers: &str, name: &str| {
        let mut http = Http::open(&house.cluster, 1);
        let body = format!(r#"{{"name":"{name}","count":1}}"#);
        http.send(request("POST", "/v1/reservations", headers, &body));
        http
    };
    let mut customers = hold("", "bob");
    until("customers are turned away", || (house.look(&house.customer).status == 429).then_some(()));
    assert_eq!(house.look(&house.manager).status, 200);
    let mut managers = hold(&house.manager, "ann");
    until("so are managers", || (house.look(&house.manager).status == 429).then_some(()));
    house.cluster.signal(2, Signal::CONT);
    assert_eq!((customers.answer().status, managers.answer().status), (201, 201));
}

#[test]
fn managers_are_asked_for_no_rate() {
    let house = House::new(1, "{rate_per_s: 1, rate_burst: 1}");
    until("the address has asked too often", || (house.look(&house.customer).status == 429).then_some(()));
    for _ in 0..20 {
        assert_eq!(house.look(&house.manager).status, 200);
    }
    let claimed = "boxoffice-as: TORM0001\r\n";
    until("a word is no token", || (house.look(claimed).status == 429).then_some(()));
    let forged = house.manager.replace("v4.public.", "v4.public.A");
    assert_eq!(house.look(&forged).status, 429, "nor is a forged one");
}
