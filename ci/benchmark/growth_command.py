"""`ci/bench growth`: what an operation costs as servers, seats and reservations become more, and what a server does with all
of them: snapshots, coming back, catching up."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import tempfile
import threading
import time

import growth_page
import growth_plan as plan
import growth_results as results
import load_command
import machine
from errors import BenchError
from grower import Grower
from load_command import Lines, now, work_directory
from process import Processes
from systems.boxoffice import Boxoffice, is_ready

# Filling has stopped for good when it is slower than that.
FILL_RATE_MIN = 2_000
# A server that is not back after this does not come back.
BACK_SECONDS = 300
# What a server's log says when it has read its disk and asks another one for what it missed.
CATCHING_UP = "catching up from another server"
# Looked at between a restart and its end so often.
LOOK_SECONDS = 0.02
# The rate before something happens is that of so long.
BEFORE_SECONDS = 5.0
SNAPSHOT = "snapshot-"


def wall_ms():
    return time.time_ns() // 1_000_000


def settings(options):
    """What was asked for, over the defaults."""
    base = plan.QUICK if options.quick else plan.Settings()
    names = ("seconds", "repetitions", "quiet_seconds")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    for name, value in given.items():
        if value < 0 or (value == 0 and name != "quiet_seconds"):
            raise BenchError(f"--{name.replace('_', '-')} {value} is too little")
    if options.held_max is not None:
        given["held"] = tuple(held for held in base.held if held < options.held_max) + (options.held_max,)
    return dataclasses.replace(base, **given)


class Cluster:
    """Servers and the load beside them, in a directory of their own. All is gone at its end."""

    def __init__(self, tools, wanted, directory):
        self.tools, self.wanted, self.directory = tools, wanted, directory

    @contextlib.contextmanager
    def running(self, servers, seats, events):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="growth-", dir=self.directory))
        try:
            with Processes(self.place) as self.processes:
                self.system = Boxoffice(self.tools)
                arguments = self.system.start_cluster(self.processes, servers, 100 if events else seats)
                self.empty_bytes = [resident_bytes(pid) for pid in self.processes.pids]
                os.sync()
                machine.wait_until_quiet(self.wanted.quiet_seconds)
                where = [*arguments, "--seats", seats, "--events", events]
                pids = self.processes.pids
                with Grower(self.tools.load, self.wanted, plan.CLIENTS, self.place, pids, where) as self.grower:
                    yield self
                self.processes.check()
        finally:
            shutil.rmtree(self.place, ignore_errors=True)

    def fill(self, held):
        print(f"  making {held:,} reservations", flush=True)
        said = self.grower.fill(held, 60 + held / FILL_RATE_MIN)
        print(f"  made in {said['seconds']:.0f} s", flush=True)
        return said

    @property
    def last(self):
        """The server that is stopped and started: the last one, of which clients know nothing."""
        return len(self.processes.started)

    def data(self, id):
        return self.processes.directory / f"data-{id}"


def resident_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


class SnapshotWatch:
    """Sees which server writes a snapshot when: the file has another name until it is whole."""

    def __init__(self, cluster):
        self.directories = {id: cluster.data(id) for id in range(1, cluster.last + 1)}
        self.found, self.open = [], {}
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def _watch(self):
        is_first = True
        while not self.is_over.is_set():
            for id, directory in self.directories.items():
                self.look(id, os.listdir(directory), wall_ms(), is_first)
            is_first = False
            self.is_over.wait(LOOK_SECONDS)

    def look(self, id, names, at_ms, is_first=False):
        """Takes a look into account. What was under way at the first one has no known beginning and is left out."""
        unfinished = {name for name in names if name.startswith(SNAPSHOT) and name.endswith(".tmp")}
        for name in unfinished - {name for server, name in self.open if server == id}:
            self.open[id, name] = None if is_first else at_ms
        for server, name in [key for key in self.open if key[0] == id and key[1] not in unfinished]:
            began_ms = self.open.pop((server, name))
            if began_ms is not None:
                self.found.append({"server": id, "began_ms": began_ms, "ended_ms": at_ms})

    def least(self):
        """How many of every server are finished, at least."""
        counts = [sum(one["server"] == id for one in self.found) for id in self.directories]
        return min(counts)


def point(cluster, wanted, what, lines):
    """One thing varied, on a cluster of its own."""
    with cluster.running(what.servers, what.seats, 0):
        cluster.fill(what.held)
        measure(cluster, wanted, what.part, what.value, lines)


def measure(cluster, wanted, part, value, lines, **more):
    for repetition in range(1, wanted.repetitions + 1):
        said, _ = cluster.grower.run(wanted.seconds)
        line = {"kind": part, "value": value, "repetition": repetition, "time": now(), "load": said, **more}
        lines.add(**line)
        print(f"  {words(said)}", flush=True)
        for problem in results.problems(line):
            print(f"  WRONG: {problem}", flush=True)


def words(said):
    latency, memory = said["latency_us"], max(now[0] for now in said["resident_bytes"] if now)
    return (
        f"{said['operations_per_second']:,.0f} operations/s, p50 {latency['p50'] / 1000:.2f} ms, p99"
        f" {latency['p99'] / 1000:.2f} ms, CPU {said['server_cpu_us_per_operation']:.1f} us an operation,"
        f" {memory / 2**20:,.0f} MiB"
    )


def heavy(cluster, wanted, parts, lines):
    """One cluster that holds more and more, and then all that is done with the most."""
    with cluster.running(3, plan.EVENT_SEATS, plan.EVENTS):
        counts = wanted.held if "held" in parts else wanted.held[-1:]
        for held in counts:
            filled = cluster.fill(held)
            lines.add(kind="fill", held=held, seconds=filled["seconds"], resident_bytes=filled["resident_bytes"])
            if "held" in parts:
                # A view from before there were any events is the measure of what all of them take.
                measure(cluster, wanted, "held", held, lines, empty_bytes=cluster.empty_bytes)
        for part, act in (("snapshot", snapshot), ("restart", restarts), ("catch-up", catch_up)):
            if part in parts:
                print(f"{part}, {counts[-1]:,} reservations held", flush=True)
                line = act(cluster, wanted)
                for one in line if isinstance(line, list) else [line]:
                    lines.add(kind=part, held=counts[-1], time=now(), **one)


def snapshot(cluster, wanted):
    """The mix goes on while snapshots are taken as they fall due."""
    began, slices = time.monotonic(), []
    with SnapshotWatch(cluster) as watch:
        cluster.grower.tell("run")
        while time.monotonic() - began < wanted.snapshot_seconds_max:
            slices.append(cluster.grower.slice())
            quiet_slices = [one for one in slices if not results.is_during(one, watch.found)]
            if watch.least() >= wanted.snapshots and len(quiet_slices) >= BEFORE_SECONDS * 10 and not watch.open:
                break
        said, slices = cluster.grower.end_run(slices)
    sizes = {
        id: max((file.stat().st_size for file in cluster.data(id).glob(SNAPSHOT + "*")), default=0)
        for id in watch.directories
    }
    print(f"  {len(watch.found)} snapshots seen, {max(sizes.values()) / 2**20:,.0f} MiB", flush=True)
    return {"snapshots": watch.found, "bytes": max(sizes.values()), "slices": slices, "load": said}


def stop_last(cluster):
    """Kills the server as a crash would."""
    _, process, _ = cluster.processes.started[-1]
    process.kill()
    process.wait()


def start_last(cluster):
    """Starts it again, with nothing of its files in memory, and says when it was back: from the start of the program on, in
    seconds."""
    id = cluster.last
    forget_files(cluster.data(id))
    cluster.processes.started.pop()
    began = time.monotonic()
    began_ms = wall_ms()
    cluster.system.start_server(cluster.processes, id)
    return began, began_ms


def wait_back(cluster, began, each=lambda: time.sleep(LOOK_SECONDS)):
    """Until the server serves again. Gives when that was."""
    http = cluster.system.ports[cluster.last][2]
    while True:
        each()
        took = time.monotonic() - began
        if is_ready(http):
            return {"ready_seconds": took}
        if took > BACK_SECONDS:
            raise BenchError(f"a server was not back after {BACK_SECONDS} s")
        cluster.processes.check()


def forget_files(directory):
    """Has the kernel give up what it keeps of these files, as if the machine had been started anew."""
    os.sync()
    for path in directory.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def restarts(cluster, wanted):
    """A server is killed and comes back while nobody asks for anything."""
    found = []
    for number in range(1, wanted.restarts + 1):
        stop_last(cluster)
        line = {"repetition": number, "data_bytes": size_of(cluster.data(cluster.last))}
        began, _ = start_last(cluster)
        line |= wait_back(cluster, began)
        pid = cluster.processes.pids[-1]
        line["resident_bytes"] = resident_bytes(pid)
        print(f"  back in {line['ready_seconds']:.2f} s", flush=True)
        found.append(line)
    return found


def size_of(directory):
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def catch_up(cluster, wanted):
    """A server is away while the others execute so many commands, and comes back while they go on."""
    grower, slices = cluster.grower, []
    grower.tell("run")

    def take():
        slices.append(grower.slice())

    while sum(one["seconds"] for one in slices) < BEFORE_SECONDS:
        take()
    stop_last(cluster)
    stopped_ms = wall_ms()
    # Searches are no commands.
    needed, missed = wanted.missed / 0.9, 0
    while missed < needed:
        take()
        missed += slices[-1]["operations"] if slices[-1]["at_ms"] > stopped_ms else 0
    began, began_ms = start_last(cluster)
    line = wait_back(cluster, began, take)
    ready_ms = wall_ms()
    log = cluster.processes.log_tail(f"server-{cluster.last}", 1000)
    line["catching_up_ms"] = results.said_ms(log, CATCHING_UP, began_ms)
    after = len(slices) + int(BEFORE_SECONDS * 10)
    while len(slices) < after:
        take()
    said, slices = grower.end_run(slices)
    line |= {
        "missed": round(missed * 0.9), "stopped_ms": stopped_ms, "started_ms": began_ms, "ready_ms": ready_ms,
        "slices": slices, "load": said, "said": "\n".join(log.splitlines()[-40:]),
    }
    rates = results.catch_up_rates(line)
    caught_up = results.catch_up_seconds(line)
    words = f"  {line['missed']:,} missed, back in {line['ready_seconds']:.2f} s, of which {caught_up:.2f} s of catching up"
    print(f"{words}; operations/s {rates}", flush=True)
    return line


def main(root, options):
    """The command. Gives the exit code."""
    wanted = settings(options)
    parts = options.parts or list(plan.PARTS)
    output = options.output or root / ("target/bench-growth-quick" if options.quick else "docs/bench")
    lines = Lines(root / "target/bench-growth.jsonl")
    failures, began = 0, time.monotonic()
    with work_directory(options.dir) as directory:
        tools = load_command.build(root, options, speaks_to_peers=False)
        lines.add(
            kind="machine", time=now(), commit=load_command.commit(root), machine=machine.describe(directory),
            versions={"boxoffice": Boxoffice(tools).version()}, settings=dataclasses.asdict(wanted),
        )
        cluster = Cluster(tools, wanted, directory)
        points = [what for what in (*plan.SERVERS, *plan.SEATS) if what.part in parts]
        steps = [(f"{what.part} {what.value:,}", lambda what=what: point(cluster, wanted, what, lines)) for what in points]
        if set(parts) & set(plan.HEAVY):
            steps.append(("reservations", lambda: heavy(cluster, wanted, parts, lines)))
        for number, (name, step) in enumerate(steps, 1):
            print(f"{number}/{len(steps)} {name}, after {load_command.duration(time.monotonic() - began)}", flush=True)
            try:
                step()
            except BenchError as error:
                failures += 1
                lines.add(kind="failure", step=name, words=str(error))
                print(f"  failed: {error}", flush=True)
    output.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(lines.path, output / results.FILE)
    growth_page.write(output)
    wrong = [problem for line in results.read(output).lines for problem in results.problems(line)]
    for problem in wrong:
        print(f"ci/bench: wrong: {problem}")
    print(f"{failures} parts came to nothing: {output}/{growth_page.PAGE}")
    return 1 if failures or wrong else 0
