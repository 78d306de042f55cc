"""What was measured: lines of results.jsonl, and what follows from them."""

import dataclasses
import json
import statistics

import plan
from errors import BenchError

FILE = "results.jsonl"
# A run in which others used so many cores, or the hypervisor took them, does not count while there is a better one.
DISTURBED_CORES = 0.3


def is_disturbed(load):
    return load["other_cores"] >= DISTURBED_CORES or load["stolen_cores"] >= DISTURBED_CORES


def problems(line):
    """What must not be in a run: wrong answers, refusals, seats that were sold twice."""
    load, found = line["load"], []
    for field, words in (
        ("sold_twice", "seats sold twice"),
        ("wrong_answers", "wrong answers"),
        ("refused", "refused operations"),
        ("sold_out", "operations found too few seats"),
    ):
        if load[field]:
            said = f" ({load['last_words']})" if load["last_words"] else ""
            found.append(f"{line['subject']} at {line['level']}: {load[field]} {words}{said}")
    if line["problem"]:
        found.append(f"{line['subject']} at {line['level']}: {line['problem']}")
    return found


@dataclasses.dataclass
class Results:
    """All runs that count."""

    machine: dict
    runs: list

    def of(self, subject, level):
        """The runs of a system at a level, by repetition."""
        return {
            line["repetition"]: line["load"]
            for line in self.runs
            if (line["subject"], line["level"]) == (subject, level)
        }

    def median(self, subject, level):
        """The run with the median rate, of which all figures of a row are; of two, the lower one. None without
        runs."""
        loads = sorted(self.of(subject, level).values(), key=lambda load: load["operations_per_second"])
        return loads[(len(loads) - 1) // 2] if loads else None

    def spread(self, subject, level):
        """The lowest and the highest rate."""
        rates = [load["operations_per_second"] for load in self.of(subject, level).values()]
        return (min(rates), max(rates)) if rates else None

    def ratio(self, one, other, measure=lambda load: load["operations_per_second"]):
        """How one (subject, level) compares with another: the median of the ratios of runs with the same number, which were
        made next to each other. None where there are no pairs."""
        mine, theirs = self.of(*one), self.of(*other)
        pairs = [(measure(mine[number]), measure(theirs[number])) for number in sorted(mine.keys() & theirs.keys())]
        ratios = [a / b for a, b in pairs if b > 0]
        return statistics.median(ratios) if ratios else None

    def disturbed(self):
        return [line for line in self.runs if line["is_disturbed"]]


def choose(lines):
    """Of the attempts at a run the one that counts: the least disturbed one."""
    best = {}
    for line in lines:
        key = (line["subject"], line["level"], line["repetition"])
        disturbance = line["load"]["other_cores"] + line["load"]["stolen_cores"]
        rank = (line["is_disturbed"], disturbance if line["is_disturbed"] else 0, line["attempt"])
        if key not in best or rank < best[key][0]:
            best[key] = (rank, line)
    return [line for _, line in best.values()]


def parse(text):
    """The content of a file of results."""
    machines, runs = [], []
    for number, row in enumerate(text.splitlines(), 1):
        try:
            line = json.loads(row)
            kind = line["kind"]
        except (json.JSONDecodeError, TypeError, KeyError) as error:
            raise BenchError(f"{FILE}:{number}: not a line of results: {error}") from error
        if kind == "machine":
            machines.append(line)
        elif kind == "load" and line["subject"] in plan.BY_KEY:
            runs.append(line)
    if len(machines) != 1:
        raise BenchError(f"{FILE}: {len(machines)} machines, one is needed")
    return Results(machines[0], choose(runs))


def read(directory):
    try:
        return parse((directory / FILE).read_text())
    except FileNotFoundError as error:
        raise BenchError(f"{directory / FILE} does not exist: run ci/bench") from error
