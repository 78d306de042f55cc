"""The pictures of the page."""

import plan
import svg
import table

PERCENTILES = (("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p99_9", "p99.9"), ("max", "longest"))
SYSTEMS = (plan.MAIN, plan.CEILING, *plan.PEERS)
# Short enough for the margin.
LABELS = {
    plan.MAIN: "boxoffice",
    plan.CEILING: "ceiling (least that replicates)",
    "redis": "Redis, AOF always, WAIT 2",
    "etcd": "etcd, a key per seat",
    "etcd-one-event": "etcd, one event by CAS",
    "postgres": "PostgreSQL, SKIP LOCKED",
}
MIX = "80 % reserve two seats, 10 % search, 10 % delete; three servers on one machine; the median run of each."


def throughput(found):
    """Operations a second by clients; none when nothing was measured."""
    levels = [level for level in plan.LEVELS.values() if any(found.median(key, level.name) for key in SYSTEMS)]
    series = []
    for style, key in enumerate(SYSTEMS):
        loads = [found.median(key, level.name) for level in levels]
        if any(loads):
            values = tuple(load and load["operations_per_second"] for load in loads)
            series.append(svg.Series(LABELS[key], values, style))
    if not series:
        return None
    caption = [MIX, "Each client waits for its answer before it asks again. Logarithmic scale."]
    names = [level.label.replace(" in flight", "") for level in levels]
    axis = "clients, each with a connection; 8 x 32: on 8 connections"
    return svg.line_chart("Throughput by clients", caption, names, axis, series, "operations a second", table.number)


def latency(found, level):
    """Percentiles of all operations at a level."""
    series = []
    for style, key in enumerate(SYSTEMS):
        if load := found.median(key, level.name):
            values = tuple(load["latency_us"][name] / 1000 for name, _ in PERCENTILES)
            series.append(svg.Series(LABELS[key], values, style))
    if not series:
        return None
    noun = "client" if level.clients == 1 else "clients"
    caption = [MIX, "Of all operations of the median run. Logarithmic scale."]
    names = [label for _, label in PERCENTILES]
    title, axis = f"Latency with {level.label} {noun}", "so many of all operations took at most"
    return svg.line_chart(title, caption, names, axis, series, "milliseconds", lambda value: f"{value:g}")


def cases(found):
    """More cases of boxoffice, beside the common one."""
    groups = []
    for key in (plan.MAIN, *plan.EXTRAS):
        rates = [load and load["operations_per_second"] for load in (found.median(key, name) for name in plan.BUSY)]
        if any(rates):
            label = "the mix, on one server" if key == plan.MAIN else plan.BY_KEY[key].label
            groups.append((label, rates))
    if not any(found.of(key, name) for key in plan.EXTRAS for name in plan.BUSY):
        return None
    caption = ["The mix where nothing else is said: " + MIX[0].lower() + MIX[1:]]
    names = [plan.LEVELS[name].label + ("" if name == plan.PIPELINED else " clients") for name in plan.BUSY]
    return svg.bar_chart("More cases of boxoffice", caption, groups, names, "operations a second", table.number)
