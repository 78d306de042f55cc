"""What growth has measured: lines of growth.jsonl, and what follows from them."""

import dataclasses
import datetime
import json
import statistics

from errors import BenchError

FILE = "growth.jsonl"
# So long before and after a snapshot, latencies may be its doing.
AROUND_MS = 100


def problems(line):
    """What must not be in a run."""
    load = line.get("load")
    if load is None:
        return []
    # In a theatre with fewer seats than clients want at a time, some find none.
    is_small = line["kind"] == "seats" and line["value"] <= 1_000
    fields = ("sold_twice", "wrong_answers", "refused") + (() if is_small else ("sold_out",))
    about = f"{line['kind']} {line.get('value', '')}".strip()
    return [f"{about}: {load[field]} {field} ({load['last_words']})" for field in fields if load[field]]


def is_during(one, snapshots):
    """Whether a slice and some snapshot overlap."""
    began_ms = one["at_ms"] - one["seconds"] * 1000
    return any(
        began_ms <= snapshot["ended_ms"] + AROUND_MS and snapshot["began_ms"] - AROUND_MS <= one["at_ms"]
        for snapshot in snapshots
    )


def percentile(slices, share):
    """Of all operations of some slices, in microseconds; none of none. As exact as the buckets: an eighth."""
    counts = {}
    for one in slices:
        for upper, count in one["histogram_us"]:
            counts[upper] = counts.get(upper, 0) + count
    left = sum(counts.values()) * share
    for upper in sorted(counts):
        left -= counts[upper]
        if left <= 0:
            return upper
    return None


def rate(slices):
    seconds = sum(one["seconds"] for one in slices)
    return sum(one["operations"] for one in slices) / seconds if seconds else None


def between(slices, from_ms, to_ms):
    return [one for one in slices if from_ms < one["at_ms"] - one["seconds"] * 1000 and one["at_ms"] <= to_ms]


def said_ms(log, words, after_ms):
    """When a server's log says something for the first time after a moment, in milliseconds since 1970."""
    for line in log.splitlines():
        if words in line:
            at_ms = datetime.datetime.fromisoformat(line.split()[0]).timestamp() * 1000
            if at_ms >= after_ms:
                return at_ms
    return None


def catch_up_seconds(line):
    """How long a server that came back asked others for what it missed. One that did not say when it began took all the time."""
    began_ms = line["catching_up_ms"] or line["started_ms"]
    return (line["ready_ms"] - began_ms) / 1000


def catch_up_rates(line):
    """Operations a second: of all, of the others before the server came back, meanwhile, and afterwards."""
    slices = line["slices"]
    started, ready = line["started_ms"], line["ready_ms"]
    parts = {
        "all": between(slices, 0, line["stopped_ms"]),
        "without it": between(slices, max(line["stopped_ms"] + 1000, started - 5000), started),
        "while it came back": between(slices, started, ready),
        "afterwards": between(slices, ready, slices[-1]["at_ms"]),
    }
    return {name: round(found) if (found := rate(part)) else None for name, part in parts.items()}


@dataclasses.dataclass
class Growth:
    """Everything that was measured."""

    machine: dict
    lines: list

    def of(self, kind):
        return [line for line in self.lines if line["kind"] == kind]

    def values(self, kind):
        """What was varied, ascending."""
        return sorted({line["value"] for line in self.of(kind)})

    def median(self, kind, value):
        """The line with the median CPU time of an operation: it moves least when others use the machine."""
        lines = [line for line in self.of(kind) if line["value"] == value]
        lines.sort(key=lambda line: line["load"]["server_cpu_us_per_operation"])
        return lines[(len(lines) - 1) // 2] if lines else None

    def bytes_each(self, value):
        """Resident memory of a server for each reservation: all that it has beyond what it had when it was started. Of three,
        the largest."""
        line = self.median("held", value)
        grown = [now[0] - empty for now, empty in zip(line["load"]["resident_bytes"], line["empty_bytes"])]
        return max(grown) / value

    def bytes_more(self, value, below):
        """The same for those only that came on top of another number."""
        many, few = self.bytes_each(value) * value, self.bytes_each(below) * below
        return (many - few) / (value - below)

    def snapshot(self):
        """Seconds of the longest snapshot, and the 99th percentile of usual times and during one; none when none was seen."""
        lines = self.of("snapshot")
        if not lines or not lines[-1]["snapshots"]:
            return None
        line = lines[-1]
        during = [one for one in line["slices"] if is_during(one, line["snapshots"])]
        usual = [one for one in line["slices"] if not is_during(one, line["snapshots"])]
        seconds = [(one["ended_ms"] - one["began_ms"]) / 1000 for one in line["snapshots"]]
        return {
            "held": line["held"], "count": len(seconds), "bytes": line["bytes"], "seconds": max(seconds),
            "p99_us": percentile(usual, 0.99), "p99_during_us": percentile(during, 0.99),
            "max_us": percentile(usual, 1), "max_during_us": percentile(during, 1),
            "rate": rate(usual), "rate_during": rate(during),
        }

    def restart_seconds(self):
        times = [line["ready_seconds"] for line in self.of("restart")]
        return statistics.median(times) if times else None


def parse(text):
    machines, lines = [], []
    for number, row in enumerate(text.splitlines(), 1):
        try:
            line = json.loads(row)
            (machines if line["kind"] == "machine" else lines).append(line)
        except (json.JSONDecodeError, TypeError, KeyError) as error:
            raise BenchError(f"{FILE}:{number}: not a line of results: {error}") from error
    if len(machines) != 1:
        raise BenchError(f"{FILE}: {len(machines)} machines, one is needed")
    return Growth(machines[0], lines)


def read(directory):
    try:
        return parse((directory / FILE).read_text())
    except FileNotFoundError as error:
        raise BenchError(f"{directory / FILE} does not exist: run ci/bench growth") from error
