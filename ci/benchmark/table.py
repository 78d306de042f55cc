"""The page of results, in Markdown."""

import plan
import results
import targets

CAPTIONS = {
    "throughput.svg": "Operations a second by clients",
    "latency-1.svg": "Latency with 1 client",
    "latency-64.svg": "Latency with 64 clients",
    "latency-256.svg": "Latency with 256 clients",
    "cases.svg": "More cases of boxoffice",
}


def number(value):
    """A rate or a count: digits beyond the third say nothing."""
    return f"{value:,.0f}"


def ms(us):
    """Milliseconds, of microseconds."""
    value = us / 1000
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def short(value):
    """A ratio or a small number; nothing for none."""
    if value is None:
        return ""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def rows(head, body):
    """A table; the first column is text, the others numbers."""
    line = lambda cells: "| " + " | ".join(cells) + " |"
    rule = "|---|" + "---:|" * (len(head) - 1)
    return "\n".join([line(head), rule, *map(line, body)])


def cells(found, subject, level):
    """What was measured of a system at a level; none when nothing was."""
    load = found.median(subject, level)
    if load is None:
        return None
    low, high = found.spread(subject, level)
    star = "*" if results.is_disturbed(load) else ""
    latency = load["latency_us"]
    return [
        number(load["operations_per_second"]) + star,
        f"{number(low)} to {number(high)}",
        f"{ms(latency['p50'])} / {ms(latency['p99'])}",
        f"{short(load['server_cpu_us_per_operation'])} / {short(load['load_cpu_us_per_operation'])}",
    ]


MEASURED = ["operations/s", "of all runs", "p50 / p99 ms", "CPU µs servers / load"]


def peers(found, level):
    """All systems at a level. Pipelined clients of ours stand against many unpipelined ones of the peers."""
    body = []
    for key in (plan.MAIN, plan.CEILING, *plan.PEERS):
        at = level.name if level.name in plan.BY_KEY[key].levels else None
        label = plan.BY_KEY[key].label
        if at is None and level.name == plan.PIPELINED and plan.AGAINST_PIPELINED in plan.BY_KEY[key].levels:
            at, label = plan.AGAINST_PIPELINED, f"{label} ({plan.AGAINST_PIPELINED} clients)"
        measured = at and cells(found, key, at)
        if not measured:
            continue
        of_ceiling = found.ratio((key, at), (plan.CEILING, level.name))
        ours = None if key == plan.MAIN else found.ratio((plan.MAIN, level.name), (key, at))
        body.append([label, *measured, short(of_ceiling), short(ours)])
    return rows(["system", *MEASURED, "of ceiling", "boxoffice ÷ it"], body) if body else None


def extras(found):
    """More cases of boxoffice, each beside the common mix on one server."""
    body = []
    for key in plan.EXTRAS:
        for level in plan.BY_KEY[key].levels:
            if measured := cells(found, key, level):
                ratio = found.ratio((key, level), (plan.MAIN, level))
                body.append([f"{plan.BY_KEY[key].label}, {plan.LEVELS[level].label}", *measured, short(ratio)])
    return rows(["case, clients", *MEASURED, "÷ the mix on one server"], body) if body else None


def latencies(found):
    body = []
    for level in plan.LEVELS.values():
        for key in (plan.MAIN, plan.CEILING, *plan.PEERS):
            if load := found.median(key, level.name):
                latency = load["latency_us"]
                values = [ms(latency[name]) for name in ("p50", "p90", "p99", "p99_9", "max")]
                body.append([f"{level.label}: {plan.BY_KEY[key].label}", *values, str(load["flush_p50_us"])])
    return rows(["clients: system", "p50 ms", "p90", "p99", "p99.9", "longest", "a flush, p50 µs"], body)


def machine(found):
    what = found.machine["machine"]
    virtual = ", virtual" if what["is_virtual"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in found.machine["versions"].items())
    wanted = found.machine["settings"]
    return (
        f"Commit {found.machine['commit']}, {found.machine['time'][:10]}. {what['processors']} processors"
        f" ({what['processor']}{virtual}), {what['memory_gib']} GiB, {what['system']}, kernel {what['kernel']},"
        f" {what['file_system']} on {what['device']}. {versions}. {wanted['seconds']:g} s a run after"
        f" {wanted['warm_up_seconds']:g} s that do not count; median of {wanted['repetitions']}."
    )


def disturbed(found):
    """How many runs others disturbed although they were repeated."""
    count = len(found.disturbed())
    if count == 0:
        return f"None of {len(found.runs)} runs was disturbed by others."
    return (
        f"**{count} of {len(found.runs)} runs were disturbed by other processes or the hypervisor, however often they"
        " were repeated.** Rates with a * are of such runs."
    )


def page(found, pictures):
    """All of it."""
    parts = [
        "# How fast\n",
        "Written by `ci/bench`; what is measured, how, and what it does not say:"
        " [performance](../../src/docs/performance.md).\n",
        machine(found) + "\n",
        disturbed(found) + "\n",
    ]
    parts += [f"![{CAPTIONS[name]}]({name})\n" for name in pictures]
    for level in plan.LEVELS.values():
        if text := peers(found, level):
            noun = "client" if level.label == "1" else "clients"
            title = f"{level.label} {noun}" if level.name != plan.PIPELINED else f"Pipelined, {level.label}"
            parts += [f"## {title}\n", text + "\n"]
    if text := extras(found):
        parts += ["## More cases of boxoffice\n", text + "\n"]
    if text := targets.text(found):
        parts += ["## Targets\n", text + "\n"]
    parts += ["## Latencies\n", latencies(found) + "\n"]
    return "\n".join(parts)
