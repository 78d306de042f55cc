"""Ceiling: a leader and two followers that replicate a log and do nothing else (load/src/ceiling_node)."""

from process import free_ports, is_listening
from systems.system import System


class Ceiling(System):
    def version(self):
        return "of this checkout"

    def start(self, processes, subject):
        ports = free_ports(3)
        addresses = [f"127.0.0.1:{port}" for port in ports]
        leader, *followers = addresses

        def node(number, *more):
            log = processes.directory / f"node-{number}.replicated"
            listen = addresses[number - 1]
            command = [self.tools.load, "ceiling-node", "--listen", listen, "--log", log, *more]
            processes.start(f"node-{number}", command)
            processes.wait_until(f"node {number} listens", lambda: is_listening(ports[number - 1]))

        node(2)
        node(3)
        node(1, "--followers", ",".join(followers), "--seats", subject.seats)
        return ["ceiling", "--leader", leader, "--seats", str(subject.seats)]
