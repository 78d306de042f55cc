//! A cluster from the shipped compose file, and what may happen to its containers.

use crate::engine::{Engine, docker};
use crate::ports::Ports;
use crate::wait::{say, until, within};
use boxoffice::api::wire::{
    ClientRequest, Consistency, ServerReply, ServerState, ServerStatus, StatusReport,
};
use boxoffice::client::connection::ask_once;
use boxoffice::config::ClusterConfig;
use boxoffice::domain::command::Query;
use boxoffice::domain::outcome::{Answer, SeatMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use testcontainers::compose::DockerCompose;

/// How long one server may take to say how it does.
const PATIENCE: Duration = Duration::from_secs(5);

/// What makes a cluster other than the shipped one.
pub struct Setup {
    /// Names its project; unique among the tests.
    pub name: &'static str,
    /// Three or five.
    pub servers: u8,
    /// Lines of the description to write otherwise.
    pub changes: &'static [(&'static str, &'static str)],
}

/// How a program in a container ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Containers, networks and volumes that end with it.
pub struct Cluster {
    project: String,
    files: Vec<PathBuf>,
    compose: DockerCompose,
    pub engine: Engine,
    /// The description, with addresses that lead there from this machine.
    pub config: Arc<ClusterConfig>,
    _ports: Ports,
    _changed: TempDir,
}

impl Cluster {
    /// The shipped cluster: all servers sell.
    pub async fn up(name: &'static str) -> Cluster {
        Cluster::up_as(Setup { name, servers: 3, changes: &[] }).await
    }

    pub async fn up_as(setup: Setup) -> Cluster {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (mut files, description) = match setup.servers {
            3 => (vec![], "cluster.yaml"),
            5 => (vec![root.join("docker-compose.5.yml")], "cluster.5.yaml"),
            other => panic!("there is no compose file with {other} servers"),
        };
        files.insert(0, root.join("docker-compose.yml"));
        let changed = TempDir::new().unwrap();
        let description = match setup.changes {
            [] => root.join(description),
            changes => write_changed(&root.join(description), changes, changed.path()),
        };

        let mut ports = Ports::reserve();
        let project = format!("{}-{}", project_prefix(), setup.name);
        let mut compose = DockerCompose::with_local_client(files.as_slice())
            .with_project_name(&project)
            .with_env("BOXOFFICE_CLUSTER", description.to_str().unwrap());
        let mut config = ClusterConfig::load(&description).unwrap();
        for server in &mut config.servers {
            server.host = "127.0.0.1".to_owned();
            server.client_port = ports.next();
            compose =
                compose.with_env(format!("BOXOFFICE_PORT_{}", server.id), server.client_port.to_string());
            compose = compose.with_env(format!("BOXOFFICE_HTTP_{}", server.id), ports.next().to_string());
        }
        let mut cluster = Cluster {
            engine: Engine::of(&project).await,
            project,
            files,
            compose,
            config: Arc::new(config),
            _ports: ports,
            _changed: changed,
        };
        cluster.start_all().await;
        cluster
    }

    /// `docker compose up`, until all servers sell. Also after [`down`](Self::down).
    pub async fn start_all(&mut self) {
        self.compose.up().await.unwrap_or_else(|error| panic!("{error}"));
        self.wait_alike(&self.ids()).await;
    }

    /// `docker compose down`, with these options.
    pub async fn down(&self, options: &[&str]) {
        let ended = self.compose_command(&[&["down"], options].concat()).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }

    pub fn ids(&self) -> Vec<u8> {
        self.config.servers.iter().map(|server| server.id).collect()
    }

    /// `docker compose exec client ...`: in the image, from another container, as the README says.
    pub async fn exec(&self, words: &[&str]) -> Ended {
        self.compose_command(&[&["exec", "client"], words].concat()).await
    }

    async fn compose_command(&self, words: &[&str]) -> Ended {
        within(&format!("{words:?}"), docker(&self.compose_words(words))).await
    }

    fn compose_words(&self, words: &[&str]) -> Vec<String> {
        let mut all = vec!["compose".to_owned(), "-p".to_owned(), self.project.clone()];
        for file in &self.files {
            all.extend(["-f".to_owned(), file.to_str().unwrap().to_owned()]);
        }
        all.extend(words.iter().map(|&word| word.to_owned()));
        all
    }

    async fn ask(&self, id: u8, body: ClientRequest) -> Result<ServerReply, String> {
        let address = self.config.server(id).unwrap().client_address();
        match ask_once(&address, &self.config.cluster, body, PATIENCE).await {
            Ok((welcome, _)) if welcome.server != id => panic!("server {} answers for {id}", welcome.server),
            Ok((_, reply)) => Ok(reply),
            Err(error) => Err(format!("server {id}: {error}")),
        }
    }

    pub async fn status(&self, id: u8) -> Result<StatusReport, String> {
        match self.ask(id, ClientRequest::Status).await? {
            ServerReply::Status(report) => Ok(report),
            other => Err(format!("server {id}: {other:?}")),
        }
    }

    /// What a server says of itself.
    pub async fn row(&self, id: u8) -> Result<ServerStatus, String> {
        let report = self.status(id).await?;
        Ok(report.servers.into_iter().find(|row| row.id == id).expect("it reports about itself"))
    }

    /// The answer of one server from its own state, whatever the others have.
    pub async fn ask_locally(&self, id: u8, query: Query) -> Answer {
        let request = ClientRequest::Query { query, consistency: Consistency::Local };
        match self.ask(id, request).await {
            Ok(ServerReply::Answer(answer)) => answer,
            other => panic!("server {id}: {other:?}"),
        }
    }

    pub async fn seats_locally(&self, id: u8) -> SeatMap {
        match self.ask_locally(id, Query::Seats).await {
            Answer::Seats(map) => map,
            other @ (Answer::Search { .. } | Answer::Events(_)) => panic!("server {id}: {other:?}"),
        }
    }

    /// Waits until these servers say of themselves and of each other that they sell.
    pub async fn wait_ready(&self, ids: &[u8]) {
        let what = format!("servers {ids:?} are ready");
        until(&what, async || {
            let mut views = Vec::new();
            for &id in ids {
                let report = self.status(id).await?;
                if let Some(row) =
                    report.servers.iter().find(|row| ids.contains(&row.id) && row.state != ServerState::Ready)
                {
                    return Err(format!("server {id} says {row:?}"));
                }
                views.extend(report.servers.iter().filter(|row| row.id == id).map(|row| row.view.clone()));
            }
            views.dedup();
            if views.len() == 1 { Ok(()) } else { Err(format!("they are in views {views:?}")) }
        })
        .await;
    }

    /// Waits until these servers are ready and, with nobody asking for anything, alike.
    pub async fn wait_alike(&self, ids: &[u8]) {
        self.wait_ready(ids).await;
        until(&format!("servers {ids:?} are alike"), async || {
            let mut tips = Vec::new();
            for &id in ids {
                let row = self.row(id).await?;
                tips.push((row.view, row.position, row.digest, row.seats_left));
            }
            if tips.windows(2).all(|pair| pair[0] == pair[1]) { Ok(()) } else { Err(format!("{tips:?}")) }
        })
        .await;
    }

    /// Waits until this server, itself at work, is in a view without that other one.
    pub async fn wait_left_behind(&self, by: u8, behind: u8) {
        until(&format!("server {by} goes on without {behind}"), async || {
            let report = self.status(by).await?;
            let state = |id| report.servers.iter().find(|row| row.id == id).map(|row| row.state);
            match (state(by), state(behind)) {
                (Some(ServerState::Ready), Some(ServerState::Down | ServerState::Recovering)) => Ok(()),
                _ => Err(format!("{report:?}")),
            }
        })
        .await;
    }

    /// The view in which a server says it is.
    pub async fn view(&self, id: u8) -> String {
        self.row(id).await.unwrap().view
    }

    /// The lines of a server's conflict report.
    pub async fn conflict_report(&self, id: u8) -> Vec<serde_json::Value> {
        let dir = TempDir::new().unwrap();
        let from = format!("{}:/data/conflicts.jsonl", self.engine.container(id));
        let ended = docker(&["cp".to_owned(), from, dir.path().to_str().unwrap().to_owned()]).await;
        if ended.code != 0 {
            return Vec::new();
        }
        let text = fs::read_to_string(dir.path().join("conflicts.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What a person would look at first.
    fn dump(&self) {
        let docker = |words: &[String]| {
            let output = std::process::Command::new("docker").args(words).output();
            match output {
                Ok(output) => say(format_args!(
                    "docker {}\n{}{}",
                    words.join(" "),
                    String::from_utf8_lossy(&output.stdout),
                    String::from_utf8_lossy(&output.stderr)
                )),
                Err(error) => say(error),
            }
        };
        docker(&self.compose_words(&["ps", "--all"]));
        docker(&self.compose_words(&["exec", "client", "status"]));
        docker(&self.compose_words(&["logs", "--no-color", "--tail", "200"]));
    }
}

impl Drop for Cluster {
    /// Removes all containers; `DockerCompose` does not know those of a second file.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.dump();
        }
        let words = self.compose_words(&["down", "--volumes", "--remove-orphans", "--timeout", "0"]);
        let _ = std::process::Command::new("docker").args(words).output();
    }
}

/// Writes the description with some of its text replaced.
fn write_changed(from: &Path, changes: &[(&str, &str)], dir: &Path) -> PathBuf {
    let mut text = fs::read_to_string(from).unwrap();
    for (old, new) in changes {
        assert!(text.contains(old), "there is no {old:?} in {}", from.display());
        text = text.replace(old, new);
    }
    let file = dir.join("cluster.yaml");
    fs::write(&file, text).unwrap();
    file
}

#[expect(clippy::disallowed_methods, reason = "ci/chaos says under which name it sweeps up")]
fn project_prefix() -> String {
    std::env::var("BOXOFFICE_TEST_PROJECT")
        .unwrap_or_else(|_| format!("boxoffice-test-{}", std::process::id()))
}
