//! `server dev`: a cluster on this machine for trying things out. Real processes, a temporary directory, free
//! ports; gone without a trace at the end.

use rustix::process::{Pid, Signal as Kill, kill_process};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long servers may take to leave before they are killed.
const STOP_WAIT: Duration = Duration::from_secs(9);

/// What to try out.
#[derive(Clone, Debug)]
pub struct DevArgs {
    /// How many servers.
    pub servers: u8,
    /// How many seats.
    pub seats: u32,
    /// Passed on to each server: how it logs.
    pub log_args: Vec<String>,
}

/// A directory that goes when it is dropped.
struct TemporaryDir(PathBuf);

impl TemporaryDir {
    fn new() -> io::Result<TemporaryDir> {
        let dir = std::env::temp_dir().join(format!("boxoffice-dev-{}", std::process::id()));
        fs::create_dir(&dir)?;
        Ok(TemporaryDir(dir))
    }
}

impl Drop for TemporaryDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs the cluster until Ctrl-C or SIGTERM, or until no server is left.
///
/// # Errors
/// A process or file could not be made.
pub async fn run(args: DevArgs, out: &mut impl Write) -> io::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let dir = TemporaryDir::new()?;
    let config = dir.0.join("cluster.yaml");
    let (description, http_ports) = describe(&args)?;
    fs::write(&config, description)?;
    let mut servers = JoinSet::new();
    let mut pids = Vec::new();
    for id in 1..=args.servers {
        let child = start(&args, id, &config, &dir.0.join(id.to_string()))?;
        pids.extend(child.id());
        servers.spawn(wait_for(id, child));
    }
    let program = sibling("client");
    writeln!(out, "{} servers sell {} seats. In another terminal:", args.servers, args.seats)?;
    for command in ["reserve bob 2", "status"] {
        writeln!(out, "  {} --config {} {command}", program.display(), config.display())?;
    }
    let addresses: Vec<String> = http_ports.iter().map(|port| format!("http://127.0.0.1:{port}")).collect();
    writeln!(out, "Over HTTP (see /docs): {}", addresses.join(" "))?;
    let list = pids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    writeln!(out, "Their processes are {list}: kill one, the others go on. Ctrl-C stops them all.")?;
    out.flush()?;
    loop {
        tokio::select! {
            ended = servers.join_next() => match ended {
                Some(ended) => tell(out, ended)?,
                None => {
                    writeln!(out, "No server is left.")?;
                    return Ok(());
                }
            },
            _ = term.recv() => break,
            _ = int.recv() => break,
        }
    }
    stop(&mut servers, &pids, out).await
}

/// One of our servers' end.
type Ended = (u8, io::Result<ExitStatus>);

async fn wait_for(id: u8, mut child: Child) -> Ended {
    (id, child.wait().await)
}

fn tell(out: &mut impl Write, ended: Result<Ended, tokio::task::JoinError>) -> io::Result<()> {
    match ended {
        Ok((id, Ok(status))) => writeln!(out, "Server {id} has ended: {status}."),
        Ok((id, Err(error))) => writeln!(out, "Server {id} cannot be watched: {error}."),
        Err(error) => writeln!(out, "{error}"),
    }
}

async fn stop(servers: &mut JoinSet<Ended>, pids: &[u32], out: &mut impl Write) -> io::Result<()> {
    kill_all(pids, Kill::TERM);
    let mut ended = Vec::new();
    let all = async {
        while let Some(one) = servers.join_next().await {
            ended.push(one);
        }
    };
    if timeout(STOP_WAIT, all).await.is_err() {
        kill_all(pids, Kill::KILL);
        while let Some(one) = servers.join_next().await {
            ended.push(one);
        }
    }
    ended.into_iter().try_for_each(|one| tell(out, one))
}

/// Children that have ended keep their number until they are waited for, which is at the end: a number is
/// never another process's.
fn kill_all(pids: &[u32], signal: Kill) {
    for pid in pids.iter().filter_map(|&pid| Pid::from_raw(pid as i32)) {
        let _ = kill_process(pid, signal);
    }
}

/// The description of a cluster on free ports, and its HTTP ports. They are held until all are known, so they are
/// distinct.
fn describe(args: &DevArgs) -> io::Result<(String, Vec<u16>)> {
    let mut held = Vec::new();
    let mut free_port = || -> io::Result<u16> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        held.push(listener);
        Ok(port)
    };
    let mut http_ports = Vec::new();
    let mut text = format!("cluster: dev\nseats: {}\nservers:\n", args.seats);
    for id in 1..=args.servers {
        let (peer, client, http) = (free_port()?, free_port()?, free_port()?);
        http_ports.push(http);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  - {{id: {id}, host: 127.0.0.1, peer_port: {peer}, client_port: {client}, http_port: {http}}}"
        );
    }
    text.push_str("timeouts: {heartbeat_ms: 100, suspect_ms: 2000, probe_ms: 500, lease_ms: 500}\n");
    Ok((text, http_ports))
}

fn start(args: &DevArgs, id: u8, config: &Path, data: &Path) -> io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["--id", &id.to_string(), "--parent", &std::process::id().to_string()])
        .arg("--config")
        .arg(config)
        .arg("--data")
        .arg(data)
        .args(&args.log_args)
        .stdin(Stdio::null())
        // Ctrl-C on the terminal is for us: they are stopped one way, by us.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// Another program beside this one, or its plain name.
fn sibling(name: &str) -> PathBuf {
    let beside = std::env::current_exe().ok().map(|exe| exe.with_file_name(name));
    beside.filter(|path| path.exists()).unwrap_or_else(|| name.into())
}
