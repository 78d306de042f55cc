"""The page about growth, and its plots."""

import growth_results as results
import svg
import table

PAGE = "growth.md"
# Pictures of this page begin so; `report` leaves them alone.
PREFIX = "growth-"
HEADS = {"servers": "servers", "seats": "seats", "held": "reservations held"}
TITLES = {"servers": "More servers", "seats": "More seats", "held": "More reservations"}
MIX = "64 clients; 10 % search, and as many reservations of two seats as deletions; servers and load on one machine."


def write(output):
    """Writes the page and its pictures beside the results, and removes pictures of results that are no more."""
    found = results.read(output)
    pictures = charts(found)
    for old in output.glob(PREFIX + "*.svg"):
        if old.name not in pictures:
            old.unlink()
    for name, text in pictures.items():
        (output / name).write_text(text)
    (output / PAGE).write_text(page(found, pictures))


def count(value):
    """A number of servers, seats or reservations, as a category of a chart: 10⁵ rather than 100,000."""
    text = str(value)
    if value >= 100 and text.rstrip("0") == "1":
        return "10" + str(len(text) - 1).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return table.number(value)


def charts(found):
    """A chart of CPU time and one of latency for everything that was varied; and one of memory."""
    made = {}
    for kind, head in HEADS.items():
        values = found.values(kind)
        if len(values) < 2:
            continue
        loads = [found.median(kind, value)["load"] for value in values]
        names = [count(value) for value in values]
        cpu = [
            svg.Series("all servers", tuple(load["server_cpu_us_per_operation"] for load in loads), 0),
            svg.Series("a server, on the average", tuple(each_server(load) for load in loads), 3),
        ]
        title = f"{TITLES[kind]}: processor time of an operation"
        made[f"{PREFIX}{kind}-cpu.svg"] = chart(title, names, head, cpu, "µs an operation")
        latency = [
            svg.Series(label, tuple(load["latency_us"][name] / 1000 for load in loads), style)
            for label, name, style in (("p99", "p99", 2), ("p50", "p50", 0))
        ]
        made[f"{PREFIX}{kind}-latency.svg"] = chart(f"{TITLES[kind]}: latency", names, head, latency, "milliseconds")
    values = [value for value in found.values("held") if value >= 100_000]
    if len(values) >= 2:
        each = [svg.Series("all that a server has grown by", tuple(found.bytes_each(value) for value in values), 0)]
        made[PREFIX + "memory.svg"] = chart(
            "Memory for each reservation", [count(value) for value in values], HEADS["held"], each, "bytes",
        )
    return made


def chart(title, names, axis, series, unit):
    return svg.line_chart(title, [MIX, "Logarithmic scale."], names, axis, series, unit, lambda value: f"{value:g}")


def each_server(load):
    each = load["each_server_cpu_us_per_operation"]
    return sum(each) / len(each)


def measured(found, kind):
    """A row for every value; none without values."""
    body = []
    for value in found.values(kind):
        load = found.median(kind, value)["load"]
        latency, each = load["latency_us"], load["each_server_cpu_us_per_operation"]
        star = "*" if load["other_cores"] >= 0.3 or load["stolen_cores"] >= 0.3 else ""
        row = [
            table.number(value), table.number(load["operations_per_second"]) + star,
            f"{table.ms(latency['p50'])} / {table.ms(latency['p99'])}",
            table.short(load["server_cpu_us_per_operation"]), table.short(each[0]),
            table.short(sum(each[1:]) / len(each[1:])) if each[1:] else "",
        ]
        if kind == "held":
            row += [table.number(load["resident_bytes"][0][0] / 2**20), table.number(found.bytes_each(value))]
        body.append(row)
    head = [
        HEADS[kind], "operations/s", "p50 / p99 ms", "CPU µs, all servers", "the clients' server", "each other one",
    ]
    if kind == "held":
        head += ["MiB a server", "bytes each"]
    return table.rows(head, body) if body else None


def targets(found):
    """Yields (words, measured, words of the bound, whether it is reached)."""
    for kind in HEADS:
        values = found.values(kind)
        if len(values) < 2:
            continue
        # Replication costs, so one server alone is no measure for several.
        costs = [each_server(found.median(kind, value)["load"]) for value in values if kind != "servers" or value > 1]
        ratio = costs[-1] / min(costs)
        words = f"{TITLES[kind].lower()}: a server's CPU time for an operation, with most ÷ least of all"
        yield words, f"{ratio:.2f}", "at most 1.5", ratio <= 1.5
    values = [value for value in found.values("held") if value >= 1_000_000]
    if values:
        each = found.bytes_each(values[-1])
        yield f"memory for each of {values[-1]:,} reservations, bytes", f"{each:.0f}", "at most 200", each <= 200
    if (shot := found.snapshot()) and shot["p99_us"] and shot["p99_during_us"]:
        words = f"a snapshot of {shot['held']:,} reservations"
        yield f"{words}, s", f"{shot['seconds']:.1f}", "under 10", shot["seconds"] < 10
        ratio = shot["p99_during_us"] / shot["p99_us"]
        yield f"{words}: p99 meanwhile, of the usual", f"{ratio:.2f}", "at most 2", ratio <= 2
    if seconds := found.restart_seconds():
        yield f"back from disk with {found.of('restart')[-1]['held']:,}, s", f"{seconds:.1f}", "under 10", seconds < 10
    for line in found.of("catch-up"):
        seconds, rates = results.catch_up_seconds(line), results.catch_up_rates(line)
        yield f"{line['missed']:,} missed commands caught up, s", f"{seconds:.1f}", "under 10", seconds < 10
        if rates["without it"] and rates["while it came back"]:
            ratio = rates["while it came back"] / rates["without it"]
            yield "the others' rate meanwhile, of that before", f"{ratio:.2f}", "at least 0.7", ratio >= 0.7


def snapshots(found):
    shot = found.snapshot()
    if shot is None:
        return None
    body = [
        [name, table.number(shot[rate] or 0), *(table.ms(shot[key]) if shot[key] else "" for key in (p99, most))]
        for name, rate, p99, most in (
            ("usual", "rate", "p99_us", "max_us"), ("during a snapshot", "rate_during", "p99_during_us", "max_during_us"),
        )
    ]
    text = (
        f"{shot['count']} snapshots of {shot['held']:,} reservations were seen on three servers, of"
        f" {shot['bytes'] / 2**20:,.0f} MiB; the longest took {shot['seconds']:.1f} s. Percentiles are exact to an eighth.\n\n"
    )
    return text + table.rows(["slices of 0.1 s", "operations/s", "p99 ms", "longest"], body)


def returns(found):
    parts = []
    if lines := found.of("restart"):
        body = [
            [str(n), table.short(line["ready_seconds"]), table.number(line["data_bytes"] / 2**20)]
            for n, line in enumerate(lines, 1)
        ]
        parts.append(
            f"Killed with {lines[0]['held']:,} reservations held, and started with no file of it in the kernel's memory; nobody"
            " asks for anything.\n\n" + table.rows(["", "serves, s", "MiB on disk"], body)
        )
    for line in found.of("catch-up"):
        rates = results.catch_up_rates(line)
        body = [[name, table.number(value) if value else ""] for name, value in rates.items()]
        parts.append(
            f"Killed while the others go on under load, and started when they had executed {line['missed']:,} commands: it"
            f" served after {table.short(line['ready_seconds'])} s. After it had read its disk, it caught up in"
            f" {table.short(results.catch_up_seconds(line))} s.\n\n" + table.rows(["others", "operations/s"], body)
        )
    return "\n\n".join(parts) or None


def page(found, pictures):
    """All of it."""
    wanted = found.machine["settings"]
    what = found.machine["machine"]
    runs = [line["load"] for line in found.lines if "load" in line]
    others = sum(load["other_cores"] >= 0.3 or load["stolen_cores"] >= 0.3 for load in runs)
    parts = [
        "# Growth\n",
        "Written by `ci/bench growth`; what is measured, how, and what it does not say:"
        " [performance](../../src/docs/performance.md).\n",
        f"Commit {found.machine['commit']}, {found.machine['time'][:10]}. {what['processors']} processors"
        f" ({what['processor']}), {what['memory_gib']} GiB, {what['file_system']} on {what['device']}."
        f" {wanted['seconds']:g} s a run, the one with the median CPU time of {wanted['repetitions']}.\n",
        f"**{others} of {len(runs)} runs were disturbed by other processes or the hypervisor**; their rates have a *.\n"
        if others else f"None of {len(runs)} runs was disturbed by others.\n",
    ]
    body = [[words, value, bound, "reached" if is_reached else "missed"] for words, value, bound, is_reached in targets(found)]
    if body:
        parts += ["## Targets\n", table.rows(["what", "measured", "wanted", ""], body) + "\n"]
    for kind in HEADS:
        if text := measured(found, kind):
            parts += [f"## {TITLES[kind]}\n", text + "\n"]
            names = [name for name in pictures if name.startswith(PREFIX + kind)]
            names += [PREFIX + "memory.svg"] if kind == "held" and PREFIX + "memory.svg" in pictures else []
            parts += [f"![{TITLES[kind]}]({name})\n" for name in names]
    if text := snapshots(found):
        parts += ["## Snapshots\n", text + "\n"]
    if text := returns(found):
        parts += ["## Coming back\n", text + "\n"]
    failures = [f"- {line['step']}: {line['words'].splitlines()[0]}" for line in found.of("failure")]
    if failures:
        parts += ["## What came to nothing\n", "\n".join(failures) + "\n"]
    return "\n".join(parts)
