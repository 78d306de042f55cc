"""What boxoffice is meant to reach, as ratios of figures of one bench."""

import plan

RATE = "operations_per_second"


def rate(load):
    return load[RATE]


def p99(load):
    return load["latency_us"]["p99"]


def list_of(found):
    """Yields (words, measured, wanted, whether more is better); measured is none where something was not run."""
    main, ceiling = plan.MAIN, plan.CEILING
    for level in plan.LEVELS.values():
        ratio = found.ratio((main, level.name), (ceiling, level.name))
        yield f"{level.label}: rate, of ceiling's", ratio, 0.6, True
    for level in plan.LEVELS.values():
        ratio = found.ratio((main, level.name), (ceiling, level.name), p99)
        yield f"{level.label}: p99, of ceiling's", ratio, 2, False
    against = (("1", "redis", 1), ("64", "etcd", 7), ("64", "redis", 1.7), ("256", "etcd", 9), ("256", "redis", 2))
    for level, peer, wanted in against:
        yield f"{level}: rate, of {peer}'s", found.ratio((main, level), (peer, level)), wanted, True
    for peer, wanted in (("etcd", 25), ("redis", 6)):
        ratio = found.ratio((main, plan.PIPELINED), (peer, plan.AGAINST_PIPELINED))
        yield f"pipelined: rate, of {peer}'s at {plan.AGAINST_PIPELINED}", ratio, wanted, True
    ratio = found.ratio(("boxoffice-one-event", "64"), ("etcd-one-event", "64"))
    yield "64, one hot event: rate, of etcd's compare-and-swap", ratio, 100, True
    for level in plan.BUSY:
        ratio = found.ratio(("boxoffice-spread", level), (main, level))
        yield f"{plan.LEVELS[level].label}, spread over three: rate, of that on one", ratio, 1, True
    for level in plan.BUSY:
        ratio = found.ratio(("boxoffice-reads-linearizable", level), (main, level))
        yield f"{plan.LEVELS[level].label}, linearizable reads: rate, of the mix's", ratio, 5, True
    load = found.median(main, "64")
    cpu = load and load["server_cpu_us_per_operation"]
    yield "64: CPU of all servers, µs an operation", cpu, 35, False


def text(found):
    """The list as a table, of what was run."""
    lines = ["| clients: what | measured | wanted | |", "|---|---:|---:|---|"]
    for words, measured, wanted, is_more_better in list_of(found):
        if measured is None:
            continue
        is_reached = measured >= wanted if is_more_better else measured <= wanted
        bound = "at least" if is_more_better else "at most"
        lines.append(f"| {words} | {measured:,.2f} | {bound} {wanted:g} | {'reached' if is_reached else 'missed'} |")
    return "\n".join(lines) if len(lines) > 2 else None
