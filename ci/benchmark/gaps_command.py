"""`ci/bench gaps`: servers are stopped, killed and paused under clients who go on, and come back."""

import contextlib
import dataclasses
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time

import gaps
import gaps_page
import load_command
import machine
from errors import BenchError
from plan import SEATS
from process import Processes, end_with_parent
from systems.boxoffice import IDS, Boxoffice, config, is_ready

# A run that takes longer than its faults by this much has come to nothing.
RUN_MARGIN_SECONDS = 60
# The last answers of the load: its own deadlines are below that.
LAST_ANSWERS_SECONDS = 45
# A server that wakes up looks ready until it notices what has happened; and one that is asked to end takes a moment.
SETTLE_SECONDS = 0.5
# The mix keeps most of what it sells, for servers that come back to catch up with, and does not sell out in a run.
MIX = "60,10,30"
# Of the default configuration.
HEARTBEAT_SECONDS = 0.2


class Load:
    """The clients, in a process that ends when its standard input does."""

    def __init__(self, program, config, wanted):
        self.output = config.with_name("timeline.json")
        self.errors = config.with_name("timeline.log")
        command = [
            program, "timeline", "--config", config, "--clients", wanted.clients, "--mix", MIX,
            "--bucket-ms", wanted.bucket_ms, "--seed", random.getrandbits(32),
        ]
        with self.output.open("wb") as output, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.PIPE, stdout=output, stderr=errors,
                start_new_session=True, preexec_fn=end_with_parent,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def check(self):
        if self.process.poll() is not None:
            raise BenchError(f"the load has ended:\n{self.errors.read_text(errors='replace').strip()}")

    def end(self):
        """Nothing more is asked; gives what was seen."""
        self.process.stdin.close()
        try:
            code = self.process.wait(LAST_ANSWERS_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise BenchError("the load does not end") from error
        if code != 0:
            raise BenchError(f"the load has failed:\n{self.errors.read_text(errors='replace').strip()}")
        return json.loads(self.output.read_text())


class Usage:
    """Processor time of everybody else, between the beginning and the end of a run whose processes have all ended."""

    def __init__(self):
        self.began, self.busy, self.own = time.monotonic(), *self.now()

    def now(self):
        own = resource.getrusage(resource.RUSAGE_CHILDREN)
        return machine.busy_seconds(pathlib.Path("/proc/stat").read_text()), own.ru_utime + own.ru_stime

    def other_cores(self):
        busy, own = self.now()
        return max(0.0, (busy - self.busy) - (own - self.own)) / (time.monotonic() - self.began)


def run_once(tools, fault, server, wanted, directory):
    """Three servers and their clients, one fault and its undoing. Gives the line about it."""
    place = pathlib.Path(tempfile.mkdtemp(prefix=f"gaps-{fault.key}-", dir=directory))
    used = Usage()
    try:
        with Processes(place) as processes, contextlib.ExitStack() as undo:
            system = Boxoffice(tools)
            system.start_cluster(processes, len(IDS), SEATS)
            ports = [http for _, _, http in system.ports.values()]
            os.sync()
            name = f"server-{server}"
            # However this ends: one that is stopped does not end when it is asked to.
            undo.callback(processes.send_if_there, name, signal.SIGCONT)
            with Load(tools.load, config(place), wanted) as load:
                time.sleep(wanted.warm_up_seconds + random.uniform(0, HEARTBEAT_SECONDS))
                load.check()
                fault_us = do(fault, processes, name)
                sleep_until(fault_us, fault.seconds)
                rejoin_us = undo_fault(fault, processes, name, system, server)
                time.sleep(SETTLE_SECONDS)
                processes.wait_until("all servers are ready", lambda: all(map(is_ready, ports)))
                ready_us = clock_us()
                time.sleep(wanted.after_seconds)
                processes.check()
                said = load.end()
                if said["all_served_us"] is None or said["began_us"] + said["all_served_us"] > fault_us:
                    raise BenchError("some clients had no answer yet when the fault came")
            if left := os.environ.get("BENCH_KEEP_LOGS"):
                shutil.copytree(place, pathlib.Path(left) / place.name, ignore=shutil.ignore_patterns("data-*"))
    finally:
        shutil.rmtree(place, ignore_errors=True)
    marks = (fault_us, rejoin_us, ready_us)
    return gaps.line_of(fault, server, marks, said, other_cores=round(used.other_cores(), 2))


def do(fault, processes, name):
    """The fault. Gives when it was."""
    now = clock_us()
    match fault.key:
        case "stop":
            processes.send(name, signal.SIGTERM)
        case "kill":
            processes.send(name, signal.SIGKILL)
            processes.wait(name)
        case "pause":
            processes.send(name, signal.SIGSTOP)
    return now


def undo_fault(fault, processes, name, system, server):
    """The server comes back. Gives when that began."""
    match fault.key:
        case "stop":
            if code := processes.wait(name):
                raise BenchError(f"{name} was asked to end and has ended with {code}")
            now = clock_us()
            system.start_server(processes, server)
        case "kill":
            now = clock_us()
            system.start_server(processes, server)
        case "pause":
            now = clock_us()
            processes.send(name, signal.SIGCONT)
    return now


def sleep_until(since_us, seconds):
    time.sleep(max(0.0, since_us / 1e6 + seconds - time.monotonic()))


def clock_us():
    """The monotonic clock, which the load reads too."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def words(line):
    said = []
    for is_undoing, label in ((False, line["fault"]), (True, "rejoin")):
        one = gaps.figures(line, is_undoing)
        said.append(
            f"{label}: {gaps_page.told(one.longest_ms, gaps.WAIT_TOLD_MS)} ms for a client ({one.hit} hit),"
            f" {gaps_page.told(one.silence_ms, gaps.SILENCE_TOLD_MS)} ms for all"
        )
    wrong = gaps.problems(line)
    ready = (line["ready_us"] - line["rejoin_us"]) / 1e6
    text = f"{'; '.join(said)}; ready again after {ready:.1f} s"
    if gaps.is_disturbed(line):
        text += f" (disturbed: {line['other_cores']:.1f} cores by others)"
    return text + (f" WRONG: {wrong}" if wrong else "")


def turns(faults, repetitions):
    """Yields (repetition, fault, server): faults and servers take turns. Server 1 leads views that it is in."""
    for repetition in range(1, repetitions + 1):
        for fault in faults:
            yield repetition, fault, gaps.SERVERS[(repetition - 1) % len(gaps.SERVERS)]


def main(root, options):
    """The command. Gives the exit code."""
    repetitions = options.repetitions or (1 if options.quick else gaps.Settings.repetitions)
    wanted = gaps.Settings(repetitions=repetitions)
    faults = [gaps.FAULTS[key] for key in options.faults or gaps.FAULTS]
    output = options.output or root / ("target/bench-quick" if options.quick else "docs/bench")
    # Results that are there stay as they are until there are new ones.
    lines = load_command.Lines(root / "target/bench-gaps.jsonl")
    failures = 0
    with load_command.work_directory(options.dir) as directory:
        tools = load_command.build(root, options, speaks_to_peers=False)
        lines.add(
            kind="machine", time=load_command.now(), commit=load_command.commit(root),
            machine=machine.describe(directory), versions={"boxoffice": Boxoffice(tools).version()},
            settings=dataclasses.asdict(wanted),
        )
        runs = list(turns(faults, repetitions))
        for number, (repetition, fault, server) in enumerate(runs, 1):
            print(f"{number}/{len(runs)} {fault.key} of server {server}, no. {repetition}", flush=True)
            try:
                line = {**run_once(tools, fault, server, wanted, directory), "repetition": repetition}
            except BenchError as error:
                failures += 1
                lines.add(kind="failure", fault=fault.key, server=server, repetition=repetition, words=str(error))
                print(f"  failed: {error}", flush=True)
                continue
            lines.add(**line)
            print(f"  {words(line)}", flush=True)
    output.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(lines.path, output / gaps.FILE)
    gaps_page.write(output)
    missed = gaps.read(output).missed()
    for problem in missed:
        print(f"ci/bench: missed: {problem}")
    print(f"{len(runs)} runs, {failures} came to nothing: {output}/{gaps_page.PAGE}")
    return 1 if failures or missed else 0
