//! What happens to containers, through the engine.

use crate::cluster::Ended;
use crate::wait::{say, within};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use testcontainers::bollard::Docker;
use testcontainers::bollard::models::{
    ContainerState, EndpointSettings, NetworkConnectRequest, NetworkDisconnectRequest,
};
use testcontainers::bollard::query_parameters::{
    InspectContainerOptions, KillContainerOptionsBuilder, StartContainerOptions, StopContainerOptions,
};
use testcontainers::core::client::docker_client_instance;

/// The engine, and the names that compose gives.
pub struct Engine {
    docker: Docker,
    project: String,
}

impl Engine {
    pub async fn of(project: &str) -> Engine {
        Engine { docker: docker_client_instance().await.unwrap(), project: project.to_owned() }
    }

    pub fn container(&self, id: u8) -> String {
        format!("{}-server{id}-1", self.project)
    }

    /// `docker stop`: SIGTERM, and time to leave.
    pub async fn stop(&self, id: u8) {
        assert_eq!(self.stop_anyhow(id).await, Some(0), "server {id} leaves in good order");
    }

    /// `docker stop`; tells with which code the server ended.
    pub async fn stop_anyhow(&self, id: u8) -> Option<i64> {
        say(format_args!("stop server {id}"));
        let name = self.container(id);
        let stop = self.docker.stop_container(&name, None::<StopContainerOptions>);
        within("stop", stop).await.unwrap();
        self.state(id).await.exit_code
    }

    pub async fn start(&self, id: u8) {
        say(format_args!("start server {id}"));
        let name = self.container(id);
        let start = self.docker.start_container(&name, None::<StartContainerOptions>);
        within("start", start).await.unwrap();
    }

    /// `docker kill`.
    pub async fn kill(&self, id: u8) {
        say(format_args!("kill server {id}"));
        let options = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
        within("kill", self.docker.kill_container(&self.container(id), Some(options))).await.unwrap();
    }

    /// `kill -9` of the server itself, of which the engine learns afterwards.
    pub async fn kill_process(&self, id: u8) {
        say(format_args!("kill -9 of the process of server {id}"));
        let pid = self.state(id).await.pid.expect("it runs");
        match kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL) {
            Ok(()) => {}
            // It is somebody else's: the engine's owner may.
            Err(Errno::PERM) => {
                let words = ["run", "--rm", "--pid", "host", "rust:1.95-slim-bookworm", "kill", "-9"];
                let words = words.iter().map(|&word| word.to_owned()).chain([pid.to_string()]);
                let ended = docker(&words.collect::<Vec<_>>()).await;
                assert_eq!(ended.code, 0, "{}", ended.stderr);
            }
            Err(error) => panic!("{error}"),
        }
        crate::wait::until("the engine sees the end", async || {
            let state = self.state(id).await;
            if state.running == Some(false) { Ok(()) } else { Err(format!("{state:?}")) }
        })
        .await;
        assert_eq!(self.state(id).await.exit_code, Some(137));
    }

    pub async fn pause(&self, id: u8) {
        say(format_args!("pause server {id}"));
        within("pause", self.docker.pause_container(&self.container(id))).await.unwrap();
    }

    pub async fn unpause(&self, id: u8) {
        say(format_args!("unpause server {id}"));
        within("unpause", self.docker.unpause_container(&self.container(id))).await.unwrap();
    }

    /// Takes a server off the network on which servers talk; its clients still reach it.
    pub async fn cut(&self, id: u8) {
        say(format_args!("cut server {id} off"));
        let request = NetworkDisconnectRequest { container: self.container(id), force: Some(false) };
        within("cut", self.docker.disconnect_network(&self.peers(), request)).await.unwrap();
    }

    pub async fn heal(&self, id: u8) {
        say(format_args!("heal the cut of server {id}"));
        let settings =
            EndpointSettings { aliases: Some(vec![format!("server{id}.peers")]), ..Default::default() };
        let request =
            NetworkConnectRequest { container: self.container(id), endpoint_config: Some(settings) };
        within("heal", self.docker.connect_network(&self.peers(), request)).await.unwrap();
    }

    fn peers(&self) -> String {
        format!("{}_peers", self.project)
    }

    async fn state(&self, id: u8) -> ContainerState {
        let name = self.container(id);
        let inspect = self.docker.inspect_container(&name, None::<InspectContainerOptions>);
        within("inspect", inspect).await.unwrap().state.unwrap()
    }
}

/// Runs the command line of the engine.
pub async fn docker(words: &[String]) -> Ended {
    let mut command = tokio::process::Command::new("docker");
    let output = command.args(words).stdin(std::process::Stdio::null()).output().await.unwrap();
    Ended {
        code: output.status.code().expect("it ends by itself"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
