//! An operator who issues tokens with the shipped client.

use crate::harness::Cluster;
use assert_cmd::cargo::cargo_bin;
use std::process::Command;
use tempfile::TempDir;

pub struct Operator {
    dir: TempDir,
    /// What `cluster.yaml` must say.
    pub section: String,
}

impl Operator {
    pub fn new() -> Operator {
        let dir = TempDir::new().unwrap();
        let mut command = Command::new(cargo_bin!("client"));
        let made = command.args(["token", "new-key", "--out"]).arg(dir.path().join("operator.key"));
        let section = String::from_utf8(made.output().unwrap().stdout).unwrap();
        assert!(section.starts_with("auth:\n  mode: required\n  public_key: k4.public."), "{section}");
        Operator { dir, section }
    }

    /// A token for this cluster, or why there is none.
    pub fn issue(&self, cluster: &Cluster, role: &str, id: &str) -> Result<String, String> {
        let mut command = Command::new(cargo_bin!("client"));
        command.arg("--config").arg(&cluster.config);
        command.args(["token", "issue", "--role", role, "--id", id, "--key"]);
        let output = command.arg(self.dir.path().join("operator.key")).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim_end().to_owned();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }
}
