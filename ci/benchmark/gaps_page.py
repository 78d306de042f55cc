"""The page and the pictures of gaps in service, from gaps.jsonl alone."""

import statistics

import gaps
import svg
import table

PAGE = "gaps.md"
# Answers are drawn in stretches of so many seconds.
STEP_SECONDS = 0.1
CAPTIONS = {
    "stop": "Answers around a graceful stop and the rejoin",
    "kill": "Answers around kill -9 and the rejoin",
    "pause": "Answers around a pause and the rejoin",
}


def picture_name(key):
    return f"gaps-{key}.svg"


def told(ms, least):
    """Milliseconds; nothing below `least` was written down."""
    return f"{ms:,.0f}" if ms >= least else f"< {least}"


def pair(values, least):
    median, worst = gaps.median_and_worst(values)
    return [told(median, least), told(worst, least)]


def summary(found):
    """Every event: what its clients waited, and what they may."""
    body = []
    for fault, is_undoing, label, target_ms in gaps.events():
        if not (measured := found.of_event(fault, is_undoing)):
            continue
        waits = [one.longest_ms for one in measured]
        late = sum(wait > target_ms for wait in waits)
        verdict = "reached" if not late else f"**missed {late} times of {len(waits)}**"
        body.append([
            label, *pair(waits, gaps.WAIT_TOLD_MS), *pair([one.silence_ms for one in measured], gaps.SILENCE_TOLD_MS),
            f"{statistics.median(one.hit for one in measured):g}", f"{target_ms:,}", verdict,
        ])
    head = [
        "event", "longest wait of a client, ms: median", "worst", "nobody was answered, ms: median", "worst",
        f"clients who waited {gaps.HIT_MS} ms or more, median", "a client may wait, ms", "",
    ]
    return table.rows(head, body)


def every_run(found):
    body = []
    for line in found.runs:
        row = [f"{gaps.name(line)}{'*' if gaps.is_disturbed(line) else ''}"]
        for is_undoing in (False, True):
            one = gaps.figures(line, is_undoing)
            row += [told(one.longest_ms, gaps.WAIT_TOLD_MS), told(one.silence_ms, gaps.SILENCE_TOLD_MS), str(one.hit)]
        row.append(f"{(line['ready_us'] - line['rejoin_us']) / 1e6:.1f}")
        row.append(table.number(sum(line["load"]["answers"])))
        body.append(row)
    head = [
        "run", "longest wait of a client, ms", "nobody, ms", "clients hit", "rejoin: longest wait, ms", "nobody, ms",
        "clients hit", "ready after, s", "answers",
    ]
    return table.rows(head, body)


def commands(found):
    problems = found.problems()
    answers = sum(sum(line["load"]["answers"]) for line in found.runs)
    if problems:
        return "\n".join(["**Something went wrong:**\n", *(f"- {problem}" for problem in problems)])
    return (
        f"{answers:,} answers in {len(found.runs)} runs: no command failed, none was refused, of none is the outcome"
        " unknown, no seat was sold twice."
    )


def disturbed(found):
    count = sum(map(gaps.is_disturbed, found.runs))
    if not count:
        return f"None of {len(found.runs)} runs was disturbed by others."
    return f"**{count} of {len(found.runs)} runs were disturbed by other processes or the hypervisor** (*)."


def machine(found):
    what, wanted = found.machine["machine"], found.machine["settings"]
    virtual = ", virtual" if what["is_virtual"] else ""
    return (
        f"Commit {found.machine['commit']}, {found.machine['time'][:10]}. {what['processors']} processors"
        f" ({what['processor']}{virtual}), {what['memory_gib']} GiB, {what['system']}, kernel {what['kernel']},"
        f" {what['file_system']} on {what['device']}. Three servers, default configuration, {wanted['clients']} clients,"
        f" each fault {wanted['repetitions']} times."
    )


def page(found, pictures):
    parts = [
        "# Gaps in service\n",
        "Written by `ci/bench gaps`; what is measured, how, and what it does not say:"
        " [performance](../../src/docs/performance.md).\n",
        machine(found) + "\n", disturbed(found) + "\n", commands(found) + "\n", summary(found) + "\n",
        *(f"![{CAPTIONS[key]}]({picture_name(key)})\n" for key in pictures),
        "## Every run\n", every_run(found) + "\n",
    ]
    return "\n".join(parts)


def rates(line):
    """Pairs: seconds since the fault, answers a second around then."""
    load = line["load"]
    each = max(1, round(STEP_SECONDS * 1e6 / load["bucket_us"]))
    step_us, answers = each * load["bucket_us"], load["answers"]
    # The first stretch connects, the last one is cut off.
    for first in range(each, len(answers) - each, each):
        middle_us = first * load["bucket_us"] + step_us / 2
        yield (middle_us - line["fault_us"]) / 1e6, sum(answers[first : first + each]) / step_us * 1e6


def picture(found, fault):
    """All runs of a fault over each other, the one with the longest wait on top."""
    lines = found.of(fault.key)
    if not lines:
        return None
    worst = max(lines, key=lambda line: gaps.figures(line, False).longest_ms)
    others = [list(rates(line)) for line in lines if line is not worst]
    rejoin = statistics.median((line["rejoin_us"] - line["fault_us"]) / 1e6 for line in lines)
    ready = statistics.median((line["ready_us"] - line["fault_us"]) / 1e6 for line in lines)
    marks = [(0.0, fault.label), (rejoin, "rejoin begins"), (ready, "ready (median)")]
    caption = [
        f"{len(lines)} runs over each other, the one with the longest wait of a client on top"
        f" (server {worst['server']}, no. {worst['repetition']}).",
        f"{found.machine['settings']['clients']} clients, each waits for its answer before it asks again;"
        f" stretches of {STEP_SECONDS * 1000:.0f} ms.",
    ]
    return svg.time_chart(
        CAPTIONS[fault.key], caption, others, list(rates(worst)), marks, "answers a second", table.number
    )


def write(output):
    """Writes the page and the pictures beside the results."""
    found = gaps.read(output)
    pictures = []
    for fault in gaps.FAULTS.values():
        path = output / picture_name(fault.key)
        if drawn := picture(found, fault):
            path.write_text(drawn)
            pictures.append(fault.key)
        else:
            path.unlink(missing_ok=True)
    (output / PAGE).write_text(page(found, pictures))
