"""Redis: a primary and two replicas, each with an append-only file that is flushed before it answers."""

import re
import socket

from process import free_ports, is_listening, run
from systems.system import System

REPLICAS = 2


class Redis(System):
    programs = ("redis-server",)

    def version(self):
        return re.search(r"v=(\S+)", run(["redis-server", "--version"]))[1]

    def start(self, processes, subject):
        ports = free_ports(1 + REPLICAS)
        primary = ports[0]
        for port in ports:
            data = processes.directory / f"data-{port}"
            data.mkdir()
            command = [
                "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", data, "--save", "",
                "--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0",
            ]
            if port != primary:
                command += ["--replicaof", "127.0.0.1", primary]
            processes.start(f"redis-{port}", command)
            processes.wait_until("Redis listens", lambda: is_listening(port))
        processes.wait_until("the replicas follow", lambda: replicas_online(ask(primary)) == REPLICAS)
        return [
            "redis", "--primary", f"127.0.0.1:{primary}", "--replicas", str(REPLICAS), "--seats", str(subject.seats)
        ]


def ask(port):
    """What a server says of its replicas."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as link:
            link.sendall(b"INFO replication\r\n")
            return link.recv(16384).decode(errors="replace")
    except OSError:
        return ""


def replicas_online(said):
    return len(re.findall(r"^slave\d+:.*state=online", said, re.MULTILINE))
