"""etcd: three members with the default durability, clients at the leader."""

import json
import re

from errors import BenchError
from process import environment, free_ports, run
from systems.system import System


class Etcd(System):
    def version(self):
        return re.search(r"etcd Version: (\S+)", run([self.tools.etcd, "--version"]))[1]

    def start(self, processes, subject):
        free = iter(free_ports(2 * 3))
        ports = {f"n{number}": (next(free), next(free)) for number in (1, 2, 3)}
        peers = ",".join(f"{name}=http://127.0.0.1:{peer}" for name, (_, peer) in ports.items())
        for name, (client, peer) in ports.items():
            processes.start(name, [
                self.tools.etcd, "--name", name, "--data-dir", processes.directory / name, "--log-level", "error",
                "--listen-client-urls", f"http://127.0.0.1:{client}",
                "--advertise-client-urls", f"http://127.0.0.1:{client}",
                "--listen-peer-urls", f"http://127.0.0.1:{peer}",
                "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
                "--initial-cluster", peers, "--initial-cluster-state", "new",
            ])
        endpoints = [f"127.0.0.1:{client}" for client, _ in ports.values()]
        found = []

        def has_leader():
            found[:] = leaders(self.status(endpoints))
            return len(found) == 1

        processes.wait_until("etcd has a leader", has_leader)
        return ["etcd", "--leader", found[0], "--way", subject.way]

    def status(self, endpoints):
        control = self.tools.etcd.with_name("etcdctl")
        command = [control, "--endpoints", ",".join(endpoints), "endpoint", "status", "--write-out", "json"]
        try:
            return json.loads(run(command, env=environment(ETCDCTL_API="3"), timeout=20))
        except (BenchError, json.JSONDecodeError):
            # It has only just started.
            return []


def leaders(status):
    """Endpoints of members that say that they lead, if all three answer."""
    if len(status) < 3:
        return []
    return [one["Endpoint"] for one in status if one["Status"]["header"]["member_id"] == one["Status"]["leader"]]
