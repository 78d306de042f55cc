"""Table and plots, from the results alone."""

import gaps
import gaps_page
import growth_page
import growth_results
import plan
import plots
import results
import table
from errors import BenchError

PAGE = "README.md"
# Latencies are drawn of these levels.
LATENCY_LEVELS = ("1", "64", "256")


def write_all(output):
    """The pages of whatever results are there. Gives their names."""
    written = []
    pages = (
        (PAGE, results.FILE, write),
        (growth_page.PAGE, growth_results.FILE, growth_page.write),
        (gaps_page.PAGE, gaps.FILE, gaps_page.write),
    )
    for page, file, write_it in pages:
        if (output / file).exists():
            write_it(output)
            written.append(page)
    if not written:
        raise BenchError(f"there are no results in {output}: run ci/bench")
    return written


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
        if old.name not in pictures and not old.name.startswith(("gaps-", growth_page.PREFIX)):
            old.unlink()
    for name, text in pictures.items():
        (output / name).write_text(text)
    (output / PAGE).write_text(table.page(found, list(pictures)))
