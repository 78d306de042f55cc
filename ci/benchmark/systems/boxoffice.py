"""Boxoffice: three servers with the default configuration, every reservation on three disks."""

import urllib.request

from process import free_ports, run
from systems.system import System

CLUSTER = "bench"


class Boxoffice(System):
    def version(self):
        return run([self.tools.server, "--version"]).strip().removeprefix("server ")

    def start(self, processes, subject):
        ids = (1, 2, 3)
        free = iter(free_ports(3 * len(ids)))
        ports = {id: (next(free), next(free), next(free)) for id in ids}
        seats = subject.seats if subject.events == 0 else 100
        config = processes.directory / "cluster.yaml"
        config.write_text(description(seats, ports))
        for id in ids:
            data = processes.directory / f"data-{id}"
            processes.start(f"server-{id}", [self.tools.server, "--id", id, "--config", config, "--data", data])
        for _, _, http in ports.values():
            processes.wait_until("the servers are ready", lambda: is_ready(http))
        clients = [f"127.0.0.1:{client}" for _, client, _ in ports.values()]
        servers = clients if subject.is_spread else clients[:1]
        return [
            "boxoffice", "--servers", ",".join(servers), "--cluster", CLUSTER, "--seats", str(subject.seats),
            "--events", str(subject.events), "--reads", subject.reads,
        ]


def description(seats, ports):
    """A cluster.yaml that says what it must and leaves the rest to the defaults."""
    lines = [f"cluster: {CLUSTER}", f"seats: {seats}", "availability: any", "durability: fsync", "servers:"]
    for id, (peer, client, http) in ports.items():
        lines.append(
            f"  - {{id: {id}, host: 127.0.0.1, peer_port: {peer}, client_port: {client}, http_port: {http}}}"
        )
    return "\n".join(lines) + "\n"


def is_ready(http_port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/readyz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
