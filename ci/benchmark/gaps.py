"""Gaps in service: what is done to servers, what is wanted, and what follows from the lines of gaps.jsonl."""

import dataclasses
import json
import statistics

from errors import BenchError

FILE = "gaps.jsonl"
# Of the default configuration, which the servers have.
PROBE_MS = 1000
SUSPECT_MS = 5000
# What may come on top of them.
MARGIN_MS = 250
# A wait of a client that the load tells of; likewise one of all of them.
WAIT_TOLD_MS = 20
SILENCE_TOLD_MS = 5
# Who waited longer was hit by what was done to a server.
HIT_MS = 100
# Others, or the hypervisor, used so many cores: the figures may be theirs.
DISTURBED_CORES = 0.5


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is done to a server, and for how long until it is undone."""

    key: str
    label: str
    undoing: str
    seconds: float
    target_ms: int
    # Of the undoing. The others must not notice it.
    rejoin_target_ms: int = MARGIN_MS


FAULTS = {
    fault.key: fault
    for fault in (
        Fault("stop", "graceful stop (SIGTERM)", "rejoin after a stop", 3.0, MARGIN_MS),
        Fault("kill", "kill -9", "rejoin after kill -9", 3.5, PROBE_MS + MARGIN_MS),
        Fault("pause", "pause (SIGSTOP)", "rejoin after a pause", 8.0, SUSPECT_MS + MARGIN_MS),
    )
}
SERVERS = (1, 2, 3)


@dataclasses.dataclass(frozen=True)
class Settings:
    """How each run is made."""

    repetitions: int = 10
    clients: int = 64
    bucket_ms: int = 20
    # Before the fault; a random part of a heartbeat more, so that faults do not keep step with them.
    warm_up_seconds: float = 2.0
    # After the server is back.
    after_seconds: float = 2.0


@dataclasses.dataclass(frozen=True)
class Figures:
    """Of one event in one run."""

    # The longest wait of one client for an answer that began before the next event; 0 below WAIT_TOLD_MS.
    longest_ms: float
    # The longest time in which nobody got an answer; 0 below SILENCE_TOLD_MS.
    silence_ms: float
    # Clients that waited longer than HIT_MS.
    hit: int


def events():
    """Yields (fault, whether it is the undoing, words, target)."""
    for fault in FAULTS.values():
        yield fault, False, fault.label, fault.target_ms
    for fault in FAULTS.values():
        yield fault, True, fault.undoing, fault.rejoin_target_ms


def measured(load, fault_us, rejoin_us, is_undoing):
    """What clients noticed of the fault, or of its undoing, from what they wrote down. A wait belongs to the event that it
    lasted over, to the first if there are two, and else to the event before it."""

    def belongs(since, until):
        is_later = since > rejoin_us or (since > fault_us and until > rejoin_us)
        return until > fault_us and is_later == is_undoing

    waits = [(w["from_us"], w["until_us"], w["client"]) for w in load["waits"]]
    mine = [(until - since, client) for since, until, client in waits if belongs(since, until)]
    silences = [until - since for since, until in load["silences"] if belongs(since, until)]
    return Figures(
        longest_ms=max((took for took, _ in mine), default=0) / 1000,
        silence_ms=max(silences, default=0) / 1000,
        hit=len({client for took, client in mine if took >= HIT_MS * 1000}),
    )


def line_of(fault, server, marks, load, **more):
    """A line of the file: the moments relative to the load's beginning, the figures, and the answers, without every single
    wait: there are thousands."""
    fault_us, rejoin_us, ready_us = (mark - load["began_us"] for mark in marks)
    kept = {key: value for key, value in load.items() if key not in ("began_us", "waits", "silences", "troubles")}
    figures = {
        name: dataclasses.asdict(measured(load, fault_us, rejoin_us, is_undoing))
        for name, is_undoing in (("fault", False), ("rejoin", True))
    }
    return {
        "kind": "gaps", "fault": fault.key, "server": server, "fault_us": fault_us, "rejoin_us": rejoin_us,
        "ready_us": ready_us, **more, "figures": figures, "load": kept,
    }


def figures(line, is_undoing):
    return Figures(**line["figures"]["rejoin" if is_undoing else "fault"])


def problems(line):
    """What must not be in a run: commands without an outcome, wrong answers, seats sold twice."""
    load, found = line["load"], []
    for field, words in (
        ("failed", "failed commands"), ("unknown", "commands of unknown outcome"), ("refused", "refused commands"),
        ("sold_out", "commands that found too few seats"), ("wrong_answers", "wrong answers"),
        ("sold_twice", "seats sold twice"),
    ):
        if load[field]:
            said = f" ({load['last_words']})" if load["last_words"] else ""
            found.append(f"{name(line)}: {load[field]} {words}{said}")
    if load["is_cut"]:
        found.append(f"{name(line)}: more waits than are kept")
    return found


def name(line):
    return f"{line['fault']} of server {line['server']}, no. {line['repetition']}"


def is_disturbed(line):
    return line["other_cores"] >= DISTURBED_CORES


@dataclasses.dataclass
class Gaps:
    """All runs."""

    machine: dict
    runs: list

    def of(self, key):
        return [line for line in self.runs if line["fault"] == key]

    def of_event(self, fault, is_undoing):
        return [figures(line, is_undoing) for line in self.of(fault.key)]

    def problems(self):
        return [problem for line in self.runs for problem in problems(line)]

    def missed(self):
        """Words for each event that took longer than it may, and for each problem."""
        found = []
        for fault, is_undoing, label, target_ms in events():
            times = [one.longest_ms for one in self.of_event(fault, is_undoing)]
            if times and max(times) > target_ms:
                late = sum(time > target_ms for time in times)
                found.append(f"{label}: {late} of {len(times)} above {target_ms} ms, the worst {max(times):.0f} ms")
        return found + self.problems()


def median_and_worst(values):
    return statistics.median(values), max(values)


def parse(text):
    """The content of a file of gaps."""
    machines, runs = [], []
    for number, row in enumerate(text.splitlines(), 1):
        try:
            line = json.loads(row)
            kind = line["kind"]
        except (json.JSONDecodeError, TypeError, KeyError) as error:
            raise BenchError(f"{FILE}:{number}: not a line of gaps: {error}") from error
        if kind == "machine":
            machines.append(line)
        elif kind == "gaps" and line["fault"] in FAULTS:
            runs.append(line)
    if len(machines) != 1:
        raise BenchError(f"{FILE}: {len(machines)} machines, one is needed")
    return Gaps(machines[0], runs)


def read(directory):
    try:
        return parse((directory / FILE).read_text())
    except FileNotFoundError as error:
        raise BenchError(f"{directory / FILE} does not exist: run ci/bench gaps") from error
