//! Carries out what was asked for: builds connections, waits for answers, prints them.

use super::{
    answers,
    args::{Action, Ask, Global, TraceArgs},
    bench, chaos,
    connection::{Connection, ConnectionOptions, News},
    events,
    exchange::Wanted,
    exit::Exit,
    is_interactive, operator,
    output::{Output, note},
    prompt::{self, Teller},
    status, trace, tui, user_log,
};
use crate::{
    auth,
    config::ClusterConfig,
    domain::{
        command::{Operation, Query},
        events::ids::{Actor, Uuid},
        ids::Name,
    },
};
use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io,
    sync::Arc,
    time::Duration,
};
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

/// Everything that commands need.
pub(super) struct Shell {
    runtime: Option<Runtime>,
    config: Arc<ClusterConfig>,
    global: Global,
    output: Output,
    connection: Connection,
    /// Whether Ctrl-C ends a command and not the program.
    catches_interrupt: bool,
}

impl Shell {
    /// Nothing is sent yet.
    pub(super) fn new(config: ClusterConfig, global: Global, output: Output) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let config = Arc::new(config);
        let connection = {
            let _guard = runtime.enter();
            Connection::new(connection_options(&config, &global, 0))
        };
        Ok(Self { runtime: Some(runtime), config, global, output, connection, catches_interrupt: true })
    }

    /// One command, or the prompt.
    pub(super) fn run(&mut self, action: Option<Action>) -> Exit {
        let exit = match action {
            Some(Action::Ask(ask)) => self.ask(ask),
            Some(Action::Override(args)) => self.override_outage(args.yes),
            Some(Action::Tui) => {
                let (config, global, color) = (self.config.clone(), self.global.clone(), self.output.color);
                running(&self.runtime).block_on(tui::run(tui::Options { config, global, color }))
            }
            Some(Action::Bench(args)) => {
                let options =
                    bench::Options { args, global: self.global.clone(), config: self.config.clone() };
                let Self { runtime, output, .. } = self;
                running(runtime).block_on(bench::run(options, output))
            }
            Some(Action::Chaos(args)) => {
                let options =
                    chaos::Options { args, global: self.global.clone(), config: self.config.clone() };
                let Self { runtime, output, .. } = self;
                running(runtime).block_on(chaos::run(options, output))
            }
            Some(Action::Trace(TraceArgs { seconds, draw, last, .. })) => {
                let (config, token) = (self.config.clone(), self.global.token.clone());
                let Self { runtime, output, catches_interrupt, .. } = self;
                let drawn = draw.then_some(last as usize);
                let options = trace::Options { config, token, seconds, drawn };
                let interrupted = interrupted(*catches_interrupt);
                running(runtime).block_on(trace::run(options, output, interrupted))
            }
            None if is_interactive() => prompt::interactive(self),
            None => {
                // A blocked read of a pipe can only be ended by the signal itself.
                self.catches_interrupt = false;
                prompt::piped(io::stdin().lock(), self)
            }
            Some(
                Action::Completions { .. }
                | Action::Man { .. }
                | Action::Wait
                | Action::Token { .. }
                | Action::Audit(_),
            ) => {
                unreachable!("these need no cluster and were handled before")
            }
        };
        self.output.finish(exit)
    }

    fn override_outage(&mut self, is_confirmed: bool) -> Exit {
        let (Some(server), true) = (self.global.server, is_confirmed) else {
            return operator::ask_for_confirmation();
        };
        let runtime = running(&self.runtime);
        let _guard = runtime.enter();
        let options =
            ConnectionOptions { only_that_server: true, ..connection_options(&self.config, &self.global, 0) };
        let mut connection = Connection::new(options);
        runtime.block_on(operator::run(&mut self.output, &mut connection, server))
    }

    fn call(&mut self, verb: &str, name: Option<&Name>, wanted: Wanted) -> Exit {
        let Self { runtime, connection, catches_interrupt, output, .. } = self;
        let asked = user_log::asked(&wanted);
        let interrupted = interrupted(*catches_interrupt);
        let done = running(runtime).block_on(connection.call(wanted, interrupted));
        let told = answers::report(output, verb, name, connection, done);
        let exit = told.exit;
        if let Some(asked) = asked {
            user_log::write(user_log::answered(asked, told), output.verbose);
        }
        exit
    }
}

impl Teller for Shell {
    fn ask(&mut self, ask: Ask) -> Exit {
        match ask {
            Ask::Reserve { name, count, seats, at } => {
                if let Some(event) = at.key() {
                    return self.call("reserve", Some(&name), events::reserve(&name, event, count, seats));
                }
                let operation = match (count, seats) {
                    (_, Some(picked)) => Operation::ReserveSeats { name: name.clone(), seats: picked.0 },
                    (Some(count), None) => Operation::Reserve { name: name.clone(), count },
                    (None, None) => unreachable!("the parser demands one of them"),
                };
                self.call("reserve", Some(&name), Wanted::Operation(operation))
            }
            Ask::Delete { name, at } => {
                if let Some(event) = at.key() {
                    return self.call("delete", Some(&name), events::delete(&name, event));
                }
                let operation = Operation::Delete { name: name.clone() };
                self.call("delete", Some(&name), Wanted::Operation(operation))
            }
            Ask::Search { name, at } => {
                let wanted = match at.key() {
                    Some(event) => events::search(&name, event),
                    None => Wanted::Query(Query::Search { name }),
                };
                self.call("search", None, wanted)
            }
            Ask::Seats(at) => {
                let wanted = at.key().map_or(Wanted::Query(Query::Seats), events::seat_map);
                self.call("seats", None, wanted)
            }
            Ask::Events(ask) => {
                let verb = ask.verb();
                let subject = self.global.token.as_deref().and_then(auth::subject).map(Actor::User);
                let who = self.global.acting.clone().or(subject);
                match events::wanted(ask, who.as_ref(), uuid) {
                    Ok(wanted) => self.call(verb, None, wanted),
                    Err(words) => {
                        note(words);
                        Exit::Usage
                    }
                }
            }
            Ask::Status => {
                let Self { runtime, config, output, .. } = self;
                running(runtime).block_on(status::run(config, output))
            }
        }
    }

    fn show(&mut self, text: &str) {
        self.output.data(text);
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // A look-up of a name that hangs must not keep the program from ending.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn running(runtime: &Option<Runtime>) -> &Runtime {
    runtime.as_ref().expect("the runtime lives until the shell is dropped")
}

/// How the n-th connection of this program is made.
pub(super) fn connection_options(config: &Arc<ClusterConfig>, global: &Global, n: u64) -> ConnectionOptions {
    let order = global.seed.map_or_else(random, |seed| seed.wrapping_add(n));
    ConnectionOptions {
        config: config.clone(),
        token: global.token.clone(),
        server: global.server,
        only_that_server: false,
        deadline: global.deadline,
        order: fastrand::Rng::with_seed(order),
        // Never from a seed: two clients with one session would be taken for one.
        secret: fastrand::Rng::with_seed(random()),
        listener: listener(config.clone(), global.verbose, global.deadline),
    }
}

/// Says on stderr what keeps a person waiting.
fn listener(
    config: Arc<ClusterConfig>,
    verbose: bool,
    deadline: Duration,
) -> Box<dyn FnMut(News<'_>) + Send> {
    Box::new(move |news| match news {
        News::Trouble(trouble) if verbose => {
            let server = &config.servers[trouble.server];
            note(format_args!("server {} ({}): {}", server.id, server.client_address(), trouble.reason));
        }
        News::Trouble(_) => {}
        News::NobodyAnswers => {
            note(format_args!(
                "no server could help yet; trying on for at most {deadline:?} (Ctrl-C to stop)"
            ));
        }
    })
}

/// A number that nobody can guess: the standard library keys its hash maps with the system's randomness.
pub(super) fn random() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.finish()
}

/// A random id for an event, of version 4.
fn uuid() -> Uuid {
    let bits = u128::from(random()) << 64 | u128::from(random());
    let bits = bits & !(0xf << 76 | 0b11 << 62) | 4 << 76 | 0b10 << 62;
    Uuid(bits.to_be_bytes())
}

async fn interrupted(is_wanted: bool) {
    let never = std::future::pending::<()>();
    if is_wanted && tokio::signal::ctrl_c().await.is_ok() {
        return;
    }
    never.await;
}

/// Does nothing until SIGTERM or SIGINT.
pub(super) fn wait_for_signal(verbose: bool) -> Exit {
    let wait = async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        if verbose {
            note("waiting for a signal");
        }
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        io::Result::Ok(())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(wait)) {
        Ok(()) => Exit::Done,
        Err(error) => {
            note(format_args!("cannot wait for signals: {error}"));
            Exit::Unknown
        }
    }
}
