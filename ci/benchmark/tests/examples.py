"""Lines of results, made up."""

import json

import gaps

MACHINE = {
    "kind": "machine", "time": "2026-01-02T03:04:05+00:00", "commit": "0123456789ab",
    "machine": {
        "processor": "Some CPU", "processors": 2, "is_virtual": True, "memory_gib": 24, "kernel": "6.1",
        "system": "Debian 12", "file_system": "ext4", "device": "/dev/vda",
    },
    "versions": {"boxoffice": "0.1.0", "redis": "7.0.15"},
    "settings": {"seconds": 5.0, "warm_up_seconds": 1.0, "repetitions": 3},
}


def load(rate, **more):
    """What the load says."""
    latency = {"count": 1000, "p50": 900, "p90": 1500, "p99": 2500, "p99_9": 12_000, "max": 130_000}
    said = {
        "operations_per_second": float(rate), "latency_us": latency, "server_cpu_us_per_operation": 20.25,
        "load_cpu_us_per_operation": 8.0, "other_cores": 0.01, "stolen_cores": 0.0, "flush_p50_us": 95,
        "sold_twice": 0, "wrong_answers": 0, "refused": 0, "sold_out": 0, "last_words": None,
    }
    return {**said, **more}


def line(subject, level, repetition, rate, attempt=1, problem=None, **more):
    """A run."""
    said = load(rate, **more)
    is_disturbed = said["other_cores"] >= 0.3 or said["stolen_cores"] >= 0.3
    return {
        "kind": "load", "subject": subject, "level": level, "repetition": repetition, "attempt": attempt,
        "time": "2026-01-02T03:04:05+00:00", "is_disturbed": is_disturbed, "problem": problem, "load": said,
    }


def text(*lines):
    """A file of them."""
    return "".join(json.dumps(one) + "\n" for one in (MACHINE, *lines))


GAPS_MACHINE = {
    **MACHINE, "versions": {"boxoffice": "0.1.0"},
    "settings": {"repetitions": 10, "clients": 64, "bucket_ms": 20, "warm_up_seconds": 2.0, "after_seconds": 2.0},
}


def gap_run(fault="stop", server=1, repetition=1, waits=(), silences=(), **changed):
    """A run of `ci/bench gaps`: a fault after 2 s, the rejoin after 5 s, 9 s in all. Waits are (client, from, until) in
    milliseconds, silences (from, until)."""
    said = {
        "began_us": 7_000_000, "bucket_us": 20_000, "all_served_us": 9_000, "answers": [40] * 450,
        "waits": [
            {"client": client, "from_us": since * 1000, "until_us": until * 1000, "server": 2, "tries": 2}
            for client, since, until in waits
        ],
        "silences": [[since * 1000, until * 1000] for since, until in silences],
        "failed": 0, "unknown": 0, "refused": 0, "wrong_answers": 0, "sold_out": 0, "sold_twice": 0,
        "is_cut": False, "last_words": None, "troubles": [],
    }
    marks = [said["began_us"] + ms * 1000 for ms in (2000, 5000, 6000)]
    more = {"repetition": repetition, "other_cores": 0.01}
    return gaps.line_of(gaps.FAULTS[fault], server, marks, {**said, **changed}, **more)


def gaps_text(*lines):
    """A file of them."""
    return "".join(json.dumps(one) + "\n" for one in (GAPS_MACHINE, *lines))
