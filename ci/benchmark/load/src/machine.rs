//! CPU time: of the servers, of this program, of everybody else, and what the hypervisor gave to other machines.
#![expect(clippy::disallowed_methods, reason = "measuring is what a load generator reads the clock for")]

use crate::error::LoadError;
use rustix::param::clock_ticks_per_second;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

/// Kernel threads are children of this process.
const KERNEL_PARENT: i32 = 2;

/// Of one process, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Used {
    parent: i32,
    /// Itself and children that ended.
    time_us: u64,
}

/// CPU times up to now, in microseconds.
#[derive(Clone, Debug)]
pub struct Snapshot {
    at: Instant,
    servers_us: Vec<u64>,
    load_us: u64,
    processes_us: u64,
    stolen_us: u64,
}

/// What was used between two snapshots.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cpu {
    /// By all server processes together, in microseconds.
    pub servers_us: u64,
    /// By each of them, in the order in which they were given.
    pub each_server_us: Vec<u64>,
    /// By the load.
    pub load_us: u64,
    /// By all other processes, in cores. Threads of the kernel work for the servers and are not in it.
    pub other_cores: f64,
    /// Taken by the hypervisor, in cores.
    pub stolen_cores: f64,
}

impl Snapshot {
    /// Now. `load` is a child that does the load's work, if one does.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub fn take(servers: &[i32], load: Option<i32>) -> Result<Snapshot, LoadError> {
        let processes = processes()?;
        let own = clock_gettime(ClockId::ProcessCPUTime);
        let own_us = own.tv_sec as u64 * 1_000_000 + own.tv_nsec as u64 / 1000;
        let child_us = load.map_or(0, |pid| with_descendants(&processes, &[pid]));
        let all_but_kernel =
            processes.iter().filter(|(pid, used)| ![**pid, used.parent].contains(&KERNEL_PARENT));
        Ok(Snapshot {
            at: Instant::now(),
            servers_us: servers.iter().map(|pid| with_descendants(&processes, &[*pid])).collect(),
            load_us: own_us + child_us,
            processes_us: all_but_kernel.map(|(_, used)| used.time_us).sum(),
            stolen_us: stolen_us()?,
        })
    }

    /// What was used since `before`.
    pub fn since(&self, before: &Snapshot) -> Cpu {
        let seconds = self.at.duration_since(before.at).as_secs_f64().max(1e-9);
        let cores = |us: u64| us as f64 / 1e6 / seconds;
        let each = self.servers_us.iter().zip(&before.servers_us);
        let each_server_us: Vec<u64> = each.map(|(now, then)| now.saturating_sub(*then)).collect();
        let servers_us = each_server_us.iter().sum();
        let load_us = self.load_us.saturating_sub(before.load_us);
        let all_us = self.processes_us.saturating_sub(before.processes_us);
        Cpu {
            servers_us,
            each_server_us,
            load_us,
            other_cores: cores(all_us.saturating_sub(servers_us + load_us)),
            stolen_cores: cores(self.stolen_us.saturating_sub(before.stolen_us)),
        }
    }

    /// How long it is since `before`.
    pub fn seconds_since(&self, before: &Snapshot) -> f64 {
        self.at.duration_since(before.at).as_secs_f64()
    }
}

/// Resident memory of a process, in bytes: now, and at most since it began. None of one that is gone.
pub fn resident_bytes(pid: i32) -> Option<[u64; 2]> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name| parse_kib(&status, name).map(|kib| kib * 1024);
    Some([field("VmRSS:")?, field("VmHWM:")?])
}

/// A field of `/proc/*/status` that is a number of KiB.
fn parse_kib(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn processes() -> Result<BTreeMap<i32, Used>, LoadError> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir("/proc").map_err(LoadError::file("/proc"))?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may have ended meanwhile.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let used =
            parse_stat(&stat, clock_ticks_per_second()).ok_or(LoadError::Proc { path: "/proc/*/stat" })?;
        found.insert(pid, used);
    }
    Ok(found)
}

/// A line of `/proc/*/stat`. The second field is a name in brackets that may hold anything.
fn parse_stat(stat: &str, ticks_per_second: u64) -> Option<Used> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let sum = ticks(11)? + ticks(12)? + ticks(13)? + ticks(14)?;
    Some(Used { parent: fields.get(1)?.parse().ok()?, time_us: sum * 1_000_000 / ticks_per_second })
}

/// Of these processes and everything that they started.
fn with_descendants(processes: &BTreeMap<i32, Used>, roots: &[i32]) -> u64 {
    let belongs = |pid: i32| {
        let mut at = pid;
        // A process has fewer ancestors than there are processes.
        for _ in 0..processes.len() {
            if roots.contains(&at) {
                return true;
            }
            match processes.get(&at) {
                Some(used) => at = used.parent,
                None => return false,
            }
        }
        false
    };
    processes.iter().filter(|(pid, _)| belongs(**pid)).map(|(_, used)| used.time_us).sum()
}

fn stolen_us() -> Result<u64, LoadError> {
    let stat = fs::read_to_string("/proc/stat").map_err(LoadError::file("/proc/stat"))?;
    let ticks = parse_stolen(&stat).ok_or(LoadError::Proc { path: "/proc/stat" })?;
    Ok(ticks * 1_000_000 / clock_ticks_per_second())
}

/// The eighth number of the line about all processors.
fn parse_stolen(stat: &str) -> Option<u64> {
    stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().nth(7)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_be_called_anything() {
        let line = "42 (a) b (c)) S 7 42 42 0 -1 4194304 1 2 3 4 10 20 3 4 20 0 1 0 5 6 7\n";
        assert_eq!(parse_stat(line, 100), Some(Used { parent: 7, time_us: 370_000 }));
        assert_eq!(parse_stat("42 (cut off) S 7", 100), None);
    }

    #[test]
    fn children_of_children_belong_to_the_servers() {
        let used = |parent, time_us| Used { parent, time_us };
        let processes = BTreeMap::from([
            (1, used(0, 1)),
            (5, used(1, 10)),
            (6, used(5, 100)),
            (7, used(6, 1000)),
            (8, used(1, 10_000)),
        ]);
        assert_eq!(with_descendants(&processes, &[5]), 1110);
        assert_eq!(with_descendants(&processes, &[7, 8]), 11_000);
        assert_eq!(with_descendants(&processes, &[]), 0);
    }

    #[test]
    fn what_the_hypervisor_took_is_the_eighth_number() {
        assert_eq!(parse_stolen("cpu  1 2 3 4 5 6 7 88 9 10\ncpu0 1 2 3\n"), Some(88));
        assert_eq!(parse_stolen("cpu  1 2 3 4\n"), None);
    }

    #[test]
    fn resident_memory_is_in_the_status() {
        assert_eq!(parse_kib("Name:\tVmRSS:\nVmHWM:\t  90 kB\nVmRSS:\t   12 kB\n", "VmRSS:"), Some(12));
        assert_eq!(parse_kib("Name:\tx\n", "VmRSS:"), None, "a process that has ended");
        let own = resident_bytes(std::process::id() as i32).unwrap();
        assert!(0 < own[0] && own[0] <= own[1], "{own:?}");
    }

    #[test]
    fn work_of_our_own_is_not_others() {
        let before = Snapshot::take(&[], None).unwrap();
        let mut number = 1u64;
        while Snapshot::take(&[], None).unwrap().since(&before).load_us < 20_000 {
            number = std::hint::black_box(number).wrapping_mul(3);
        }
    }
}
