"""`ci/bench load`: every system in turn, a line for every run, table and plots at the end."""

import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import random
import shutil
import tempfile
import time

import machine
import packages
import plan
import report
import results
from errors import BenchError
from process import Processes, environment, run
from systems import SYSTEMS

# What a run may take beyond its own time: filling Redis, adding 100,000 events, last answers.
RUN_MARGIN_SECONDS = 180


@dataclasses.dataclass
class Tools:
    """Programs that systems and load are."""

    server: pathlib.Path
    load: pathlib.Path
    etcd: pathlib.Path | None = None


class Lines:
    """The file of results. A line is on its way to the disk before the next run begins."""

    def __init__(self, path):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    def add(self, **line):
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def settings(options):
    """What was asked for, over the defaults."""
    base = plan.QUICK if options.quick else plan.Settings()
    names = ("seconds", "repetitions", "attempts", "quiet_seconds", "levels")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    for name, value in given.items():
        if name != "levels" and (value < 0 or (value == 0 and name != "quiet_seconds")):
            raise BenchError(f"--{name.replace('_', '-')} {value} is too little")
    return dataclasses.replace(base, **given)


def run_all(root, options, wanted, subjects, directory, lines):
    """All runs; gives how many came to nothing."""
    names = sorted({subject.system for subject in subjects})
    programs = {program for name in names for program in SYSTEMS[name].programs}
    packages.install({"protoc", *programs})
    tools = build(root, options)
    if "etcd" in names:
        tools.etcd = packages.etcd(options.etcd, directory)
    systems = {}
    for name in names:
        systems[name] = SYSTEMS[name](tools)
        (directory / f"prepared-{name}").mkdir()
        systems[name].prepare(directory / f"prepared-{name}")
    lines.add(
        kind="machine", time=now(), commit=commit(root), machine=machine.describe(directory),
        versions={name: system.version() for name, system in systems.items()},
        settings=dataclasses.asdict(wanted),
    )
    runs = list(plan.rounds(subjects, wanted.levels, wanted.repetitions))
    failures, began = 0, time.monotonic()
    for number, (level, repetition, subject) in enumerate(runs):
        left = (time.monotonic() - began) / number * (len(runs) - number) if number else None
        about = "" if left is None else f", about {duration(left)} left"
        print(f"{number + 1}/{len(runs)} {subject.key} at {level.name}, no. {repetition}{about}", flush=True)
        system = systems[subject.system]
        failures += not measure(system, subject, level, repetition, wanted, directory, lines)
    return failures


def duration(seconds):
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"


def measure(system, subject, level, repetition, wanted, directory, lines):
    """One run that counts, repeated while it was disturbed, up to the limit. Whether there is one."""
    is_measured = False
    for attempt in range(1, wanted.attempts + 1):
        line = {
            "kind": "load", "subject": subject.key, "level": level.name, "repetition": repetition,
            "attempt": attempt, "time": now(),
        }
        try:
            line["load"], line["problem"] = run_once(system, subject, level, wanted, directory)
        except BenchError as error:
            lines.add(**{**line, "kind": "failure", "words": str(error)})
            print(f"  failed: {error}", flush=True)
            continue
        line["is_disturbed"] = results.is_disturbed(line["load"])
        lines.add(**line)
        print(f"  {words(line)}", flush=True)
        is_measured = True
        if not line["is_disturbed"]:
            break
    return is_measured


def run_once(system, subject, level, wanted, directory):
    """Starts the system, loads it, stops it. Gives what the load said, and what was found wrong afterwards."""
    place = pathlib.Path(tempfile.mkdtemp(prefix=f"{subject.key}-", dir=directory))
    try:
        with Processes(place) as processes:
            arguments = system.start(processes, subject)
            # What the start has written is not to be written during the run.
            os.sync()
            machine.wait_until_quiet(wanted.quiet_seconds)
            said = load(system.tools.load, subject, level, wanted, place, processes.pids, arguments)
            processes.check()
            return said, system.check()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def load(program, subject, level, wanted, place, pids, arguments):
    command = [
        program, "load", "--clients", level.clients, "--connections", level.connections,
        "--seconds", wanted.seconds, "--warm-up-seconds", wanted.warm_up_seconds, "--mix", subject.mix,
        "--reserved-before", subject.reserved_before, "--seed", random.getrandbits(32),
        "--server-pids", ",".join(map(str, pids)), "--dir", place, *arguments,
    ]
    limit = wanted.seconds + wanted.warm_up_seconds + RUN_MARGIN_SECONDS
    return json.loads(run(command, timeout=limit))


def words(line):
    said = line["load"]
    latency = said["latency_us"]
    text = (
        f"{said['operations_per_second']:,.0f} operations/s, p50 {latency['p50'] / 1000:.2f} ms, "
        f"p99 {latency['p99'] / 1000:.2f} ms, CPU {said['server_cpu_us_per_operation']:.1f} us an operation"
    )
    if line["is_disturbed"]:
        text += f" (disturbed: {said['other_cores']:.2f} cores by others, {said['stolen_cores']:.2f} stolen)"
    problems = results.problems(line)
    return text + (f" WRONG: {problems}" if problems else "")


def build(root, options, load_features=()):
    """The server and the load, in release builds."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    tools = Tools(server=target / "release/server", load=target / "release/bench-load")
    if not options.no_build:
        print("building the server and the load", flush=True)
        in_target = environment(CARGO_TARGET_DIR=str(target))
        release = ["cargo", "build", "--release", "--locked", "--quiet"]
        run([*release, "--bin", "server"], cwd=root, env=in_target)
        load = ["--manifest-path", root / "ci/benchmark/load/Cargo.toml", *load_features]
        run([*release, *load], cwd=root, env=in_target)
    for program in (tools.server, tools.load):
        if not program.exists():
            raise BenchError(f"{program} does not exist: leave --no-build away")
    return tools


def commit(root):
    """What is measured, marked when it is not what was committed."""
    try:
        name = run(["git", "rev-parse", "--short=12", "HEAD"], cwd=root).strip()
        is_changed = run(["git", "status", "--porcelain", "--", "src", "Cargo.toml", "Cargo.lock"], cwd=root).strip()
        return name + (" and changes" if is_changed else "")
    except BenchError:
        return "unknown"


def now():
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


@contextlib.contextmanager
def work_directory(parent):
    """A new directory on a disk, gone at the end. Others may pass through it: PostgreSQL runs as somebody else."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="boxoffice-bench-", dir=parent))
    try:
        directory.chmod(0o711)
        machine.disk_of(directory)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def main(root, options):
    """The command. Gives the exit code."""
    wanted = settings(options)
    keys = options.systems or [subject.key for subject in plan.SUBJECTS]
    subjects = [subject for subject in plan.SUBJECTS if subject.key in keys]
    output = options.output or root / ("target/bench-quick" if options.quick else "docs/bench")
    # Results that are there stay as they are until there are new ones.
    lines = Lines(root / "target/bench-results.jsonl")
    with work_directory(options.dir) as directory:
        failures = run_all(root, options, wanted, subjects, directory, lines)
    output.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(lines.path, output / results.FILE)
    report.write(output)
    found = results.read(output)
    wrong = [problem for line in found.runs for problem in results.problems(line)]
    for problem in wrong:
        print(f"ci/bench: wrong: {problem}")
    print(f"{len(found.runs)} runs, {failures} came to nothing: {output}/{report.PAGE}")
    return 1 if failures or wrong else 0
