//! What two sides of a session come to, by hand and by chance.

use super::*;
use proptest::prelude::*;

fn message(n: u64) -> Bytes {
    Bytes::copy_from_slice(&n.to_le_bytes())
}

fn connect(a: &mut Session, b: &mut Session) -> (Verdict, Verdict) {
    let (x, y) = (a.hello(), b.hello());
    (a.on_hello(&x, &y).unwrap(), b.on_hello(&y, &x).unwrap())
}

fn pair() -> (Session, Session) {
    (Session::new(Incarnation(1), 100), Session::new(Incarnation(7), 100))
}

#[test]
fn the_first_connection_is_a_new_session() {
    let (mut a, mut b) = pair();
    let (x, y) = connect(&mut a, &mut b);
    assert_eq!((x.resumed, y.resumed), (false, false));
    assert_eq!((x.peer, y.peer), (Incarnation(7), Incarnation(1)));
}

#[test]
fn what_was_lost_on_the_way_is_sent_again_and_no_more() {
    let (mut a, mut b) = pair();
    connect(&mut a, &mut b);
    for n in 1..=3 {
        assert_eq!(a.send(message(n)), n);
    }
    assert_eq!(b.on_sequenced(1, 0), Ok(Arrival::Deliver));
    let (x, y) = connect(&mut a, &mut b);
    assert!(x.resumed && y.resumed && y.resend.is_empty());
    assert_eq!(x.resend, [(2, message(2)), (3, message(3))]);
    assert_eq!(b.on_sequenced(1, 0), Ok(Arrival::Duplicate));
    assert_eq!(b.on_sequenced(3, 0), Err(SessionError::Gap { expected: 2, found: 3 }));
}

#[test]
fn a_new_life_starts_anew_and_the_old_one_is_refused() {
    let (mut a, mut b) = pair();
    connect(&mut a, &mut b);
    a.send(message(1));
    let old = b.hello();
    let mut b = Session::new(Incarnation(8), 100);
    let (x, y) = connect(&mut a, &mut b);
    assert_eq!((x.resumed, y.resumed, x.resend.len()), (false, false, 0));
    let sent = a.hello();
    let error = SessionError::OldPeer { theirs: Incarnation(7), known: Incarnation(8) };
    assert_eq!(a.on_hello(&sent, &old), Err(error));
    let mut ghost = Session::new(Incarnation(6), 100);
    let sent = ghost.hello();
    let error = SessionError::OldSelf { me: Incarnation(6), known: Incarnation(8) };
    assert_eq!(ghost.on_hello(&sent, &a.hello()), Err(error));
}

#[test]
fn a_peer_that_takes_nothing_breaks_the_session_for_both() {
    let (mut a, mut b) = pair();
    connect(&mut a, &mut b);
    for n in 0..13 {
        a.send(message(n));
    }
    assert!(a.is_broken() && a.unacked_bytes() == 0);
    assert_eq!(a.hello().peer, None);
    let (x, y) = connect(&mut a, &mut b);
    assert!(!x.resumed && !y.resumed);
}

#[test]
fn a_session_that_only_one_side_began_is_not_taken_for_the_old_one() {
    let (mut a, mut b) = pair();
    connect(&mut a, &mut b);
    a.send(message(1));
    assert_eq!(b.on_sequenced(1, 0), Ok(Arrival::Deliver));
    a.on_ack(9).unwrap_err();
    // Both say hello, but only one of the hellos arrives.
    let (x, y) = (a.hello(), b.hello());
    assert!(!a.on_hello(&x, &y).unwrap().resumed);
    a.send(message(2));
    let (x, y) = connect(&mut a, &mut b);
    assert!(!x.resumed && !y.resumed);
    a.send(message(3));
    assert_eq!(b.on_sequenced(1, 0), Ok(Arrival::Deliver));
}

#[test]
fn a_hello_that_is_not_true_any_more_decides_nothing() {
    let (mut a, mut b) = pair();
    let early = a.hello();
    connect(&mut a, &mut b);
    assert_eq!(a.on_hello(&early, &b.hello()), Err(SessionError::Overtaken));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    SendA,
    SendB,
    /// Lets one frame through, of those under way to that side.
    ArriveA,
    ArriveB,
    Break,
    /// Both hellos arrive, or only one of them, and the connection breaks again.
    Connect,
    HalfA,
    HalfB,
    RestartB,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = prop_oneof![
        8 => Just(Step::SendA), 8 => Just(Step::SendB), 8 => Just(Step::ArriveA), 8 => Just(Step::ArriveB),
        2 => Just(Step::Break), 4 => Just(Step::Connect), 1 => Just(Step::HalfA), 1 => Just(Step::HalfB),
        1 => Just(Step::RestartB),
    ];
    prop::collection::vec(one, 0..300)
}

/// One side with what it sent and received since its session began.
struct Side {
    session: Session,
    out: Vec<Bytes>,
    got: Vec<Bytes>,
    /// Frames under way to the other side: number, acknowledgement, message.
    wire: VecDeque<(u64, u64, Bytes)>,
    connected: bool,
}

impl Side {
    fn new(incarnation: u64) -> Side {
        let session = Session::new(Incarnation(incarnation), 120);
        Side { session, out: Vec::new(), got: Vec::new(), wire: VecDeque::new(), connected: false }
    }

    fn send(&mut self, n: u64) {
        let seq = self.session.send(message(n));
        self.out.push(message(n));
        if self.connected {
            self.wire.push_back((seq, self.session.received(), message(n)));
        }
    }

    /// Whether the connection must be closed.
    fn arrive(&mut self, frame: Option<(u64, u64, Bytes)>) -> bool {
        let Some((seq, ack, message)) = frame.filter(|_| self.connected) else { return false };
        match self.session.on_sequenced(seq, ack) {
            Ok(Arrival::Deliver) => self.got.push(message),
            Ok(Arrival::Duplicate) => {}
            Err(_) => return true,
        }
        false
    }

    fn hello(&mut self, sent: &Hello, theirs: &Hello) -> bool {
        let verdict = self.session.on_hello(sent, theirs).unwrap();
        if !verdict.resumed {
            (self.out, self.got) = (Vec::new(), Vec::new());
        }
        self.connected = true;
        let ack = self.session.received();
        self.wire = verdict.resend.into_iter().map(|(seq, message)| (seq, ack, message)).collect();
        verdict.resumed
    }

    fn cut(&mut self) {
        self.connected = false;
        self.wire.clear();
    }
}

proptest! {
    #[test]
    fn everything_arrives_once_in_order_unless_both_start_anew(steps in steps()) {
        let (mut a, mut b) = (Side::new(5), Side::new(10));
        let mut life = 10;
        for (n, step) in steps.into_iter().enumerate() {
            let mut cut = false;
            match step {
                Step::SendA => a.send(n as u64),
                Step::SendB => b.send(n as u64),
                Step::ArriveA => cut = a.arrive(b.wire.pop_front()),
                Step::ArriveB => cut = b.arrive(a.wire.pop_front()),
                Step::Break => cut = true,
                Step::Connect | Step::HalfA | Step::HalfB => {
                    a.cut();
                    b.cut();
                    let (x, y) = (a.session.hello(), b.session.hello());
                    let to_a = !matches!(step, Step::HalfB);
                    let to_b = !matches!(step, Step::HalfA);
                    let (va, vb) = (to_a.then(|| a.hello(&x, &y)), to_b.then(|| b.hello(&y, &x)));
                    prop_assert!(va.is_none() || vb.is_none() || va == vb, "the sides disagree");
                    cut = !(to_a && to_b);
                }
                Step::RestartB => {
                    life += 1;
                    b = Side::new(life);
                    cut = true;
                }
            }
            if cut || a.session.is_broken() || b.session.is_broken() {
                a.cut();
                b.cut();
            }
            let same = a.session.hello().session == b.session.hello().session;
            if same && a.session.peer() == Some(Incarnation(life)) && b.session.peer().is_some() {
                prop_assert!(a.out.starts_with(&b.got), "{:?} {:?}", a.out, b.got);
                prop_assert!(b.out.starts_with(&a.got), "{:?} {:?}", b.out, a.got);
            }
        }
        // Once a connection lasts, everything of an unbroken session arrives.
        a.cut();
        b.cut();
        let (x, y) = (a.session.hello(), b.session.hello());
        prop_assert_eq!(a.hello(&x, &y), b.hello(&y, &x));
        while let Some(frame) = a.wire.pop_front() {
            prop_assert!(!b.arrive(Some(frame)));
        }
        while let Some(frame) = b.wire.pop_front() {
            prop_assert!(!a.arrive(Some(frame)));
        }
        prop_assert_eq!((&a.out, &b.out), (&b.got, &a.got));
    }
}
