"""Boxoffice: three servers with the default configuration, every reservation on three disks."""

import urllib.request

from process import free_ports, run
from systems.system import System

CLUSTER = "bench"
IDS = (1, 2, 3)


class Boxoffice(System):
    def version(self):
        return run([self.tools.server, "--version"]).strip().removeprefix("server ")

    def start(self, processes, subject):
        seats = subject.seats if subject.events == 0 else 100
        where = self.start_cluster(processes, len(IDS), seats, subject.is_spread)
        return [
            "boxoffice", *where, "--seats", str(subject.seats), "--events", str(subject.events),
            "--reads", subject.reads,
        ]

    def start_cluster(self, processes, count, seats, is_spread=False):
        """Starts so many servers and waits until they serve. Gives the load's arguments about where they are."""
        free = iter(free_ports(3 * count))
        self.ports = {id: (next(free), next(free), next(free)) for id in range(1, count + 1)}
        config(processes.directory).write_text(description(seats, self.ports))
        for id in self.ports:
            self.start_server(processes, id)
        for _, _, http in self.ports.values():
            processes.wait_until("the servers are ready", lambda: is_ready(http))
        clients = [f"127.0.0.1:{client}" for _, client, _ in self.ports.values()]
        return ["--servers", ",".join(clients if is_spread else clients[:1]), "--cluster", CLUSTER]

    def start_server(self, processes, id):
        """Starts one of them, for the first time or again."""
        place = processes.directory
        command = [self.tools.server, "--id", id, "--config", config(place), "--data", place / f"data-{id}"]
        processes.start(f"server-{id}", command)


def config(directory):
    return directory / "cluster.yaml"


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
