"""Table and plots, from the results alone."""

import growth_page
import plan
import plots
import results
import table

PAGE = "README.md"
# Latencies are drawn of these levels.
LATENCY_LEVELS = ("1", "64", "256")


def write(output):
    """Writes the page and the pictures beside the results, and removes pictures of results that are no more."""
    found = results.read(output)
    pictures = {}
    if throughput := plots.throughput(found):
        pictures["throughput.svg"] = throughput
    for level in LATENCY_LEVELS:
        if latency := plots.latency(found, plan.LEVELS[level]):
            pictures[f"latency-{level}.svg"] = latency
    if cases := plots.cases(found):
        pictures["cases.svg"] = cases
    for old in output.glob("*.svg"):
        if old.name not in pictures and not old.name.startswith(growth_page.PREFIX):
            old.unlink()
    for name, text in pictures.items():
        (output / name).write_text(text)
    (output / PAGE).write_text(table.page(found, list(pictures)))
