"""What follows from what growth has measured, and its page."""

import argparse
import json
import pathlib
import tempfile
import unittest

import growth_command
import growth_page
import growth_plan as plan
import growth_results as results
import report
from errors import BenchError
from tests.examples import MACHINE, load


def measured(kind, value, cpu=20.0, repetition=1, **more):
    """A line about a run: three servers, of which the first does more, and the second has grown most."""
    said = load(
        50_000, server_cpu_us_per_operation=3 * cpu, each_server_cpu_us_per_operation=[2 * cpu, cpu / 2, cpu / 2],
        resident_bytes=[[300_000_000, 0], [400_000_000, 0], [350_000_000, 0]], **more,
    )
    return {"kind": kind, "value": value, "repetition": repetition, "empty_bytes": [10**8] * 3, "load": said}


def piece(at_ms, operations=100, took_us=1000):
    return {"at_ms": at_ms, "seconds": 0.1, "operations": operations, "histogram_us": [[took_us, operations]]}


def text(*lines):
    return "".join(json.dumps(one) + "\n" for one in (MACHINE, *lines))


SNAPSHOT = {
    "kind": "snapshot", "held": 10_000_000, "bytes": 600 << 20, "load": load(50_000),
    "snapshots": [{"server": 1, "began_ms": 10_000, "ended_ms": 14_000}],
    "slices": [piece(5_000), piece(5_100), piece(12_000, 50, 3000), piece(20_000, 2, 9000)],
}
CATCH_UP = {
    "kind": "catch-up", "held": 10_000_000, "missed": 1_000_000, "ready_seconds": 6.0,
    "stopped_ms": 10_000, "started_ms": 40_000, "catching_up_ms": 41_500, "ready_ms": 46_000, "load": load(50_000),
    "slices": [piece(9_000, 90), piece(10_500, 1), piece(39_000, 100), piece(42_000, 60), piece(47_000, 95)],
}


class Results(unittest.TestCase):
    def test_memory_is_all_that_a_server_has_grown_by(self):
        found = results.parse(text(measured("held", 1_000_000)))
        self.assertEqual(found.bytes_each(1_000_000), 300)

    def test_the_run_of_a_value_is_the_one_with_the_median_cost(self):
        lines = [measured("seats", 100, cpu, number) for number, cpu in enumerate((9, 1, 5), 1)]
        found = results.parse(text(*lines))
        self.assertEqual(found.median("seats", 100)["repetition"], 3)
        self.assertIsNone(found.median("seats", 1000))

    def test_slices_beside_a_snapshot_are_not_usual(self):
        one = {"began_ms": 1000, "ended_ms": 2000}
        touching = [piece(950), piece(1500), piece(2150)]
        self.assertTrue(all(results.is_during(slice, [one]) for slice in touching))
        self.assertFalse(any(results.is_during(slice, [one]) for slice in (piece(899), piece(2250))))
        shot = results.parse(text(SNAPSHOT)).snapshot()
        self.assertEqual((shot["seconds"], shot["p99_us"], shot["p99_during_us"]), (4, 1000, 3000))

    def test_percentiles_are_over_all_slices(self):
        slices = [piece(1, 98, 10), piece(2, 1, 20), piece(3, 1, 30)]
        found = [results.percentile(slices, share) for share in (0.5, 0.99, 1)]
        self.assertEqual(found, [10, 20, 30])
        self.assertIsNone(results.percentile([], 0.5))

    def test_rates_around_a_restart_are_told_apart(self):
        rates = results.catch_up_rates(CATCH_UP)
        self.assertEqual(rates, {"all": 900, "without it": 1000, "while it came back": 600, "afterwards": 950})

    def test_catching_up_begins_when_the_server_says_so(self):
        log = "\n".join(
            f"2026-11-29T16:00:0{second}.250000Z  INFO boxoffice: {words}"
            for second, words in ((1, "catching up from another server"), (3, "linked"), (4, "catching up"), (5, "catching up"))
        )
        second = 1_795_968_000_000
        self.assertEqual(results.said_ms(log, "catching up", second + 2000), second + 4250)
        self.assertIsNone(results.said_ms(log, "catching up", second + 6000))
        self.assertEqual(results.catch_up_seconds(CATCH_UP), 4.5)
        self.assertEqual(results.catch_up_seconds(CATCH_UP | {"catching_up_ms": None}), 6)

    def test_what_must_not_be_is_told(self):
        self.assertEqual(results.problems(measured("held", 1000)), [])
        self.assertEqual(len(results.problems(measured("held", 1000, sold_out=1, sold_twice=2))), 2)
        small = measured("seats", 100, sold_out=1)
        self.assertEqual(results.problems(small), [], "64 clients want more than a hundred seats")

    def test_a_damaged_line_is_named(self):
        with self.assertRaisesRegex(BenchError, "growth.jsonl:2"):
            results.parse(text() + "{\n")
        with self.assertRaisesRegex(BenchError, "0 machines"):
            results.parse("")


class Watching(unittest.TestCase):
    def test_a_snapshot_is_there_from_its_first_byte_to_its_last(self):
        with tempfile.TemporaryDirectory() as name:
            watch = growth_command.SnapshotWatch.__new__(growth_command.SnapshotWatch)
            watch.directories, watch.found, watch.open = {1: pathlib.Path(name)}, [], {}
            watch.look(1, ["snapshot-1.tmp", "spare.tmp"], 10, is_first=True)
            watch.look(1, ["snapshot-1"], 20)
            self.assertEqual(watch.found, [], "nobody knows when it began")
            watch.look(1, ["snapshot-1", "snapshot-2.tmp"], 30)
            watch.look(1, ["snapshot-1", "snapshot-2.tmp"], 40)
            self.assertEqual(watch.least(), 0)
            watch.look(1, ["snapshot-1", "snapshot-2"], 50)
            self.assertEqual(watch.found, [{"server": 1, "began_ms": 30, "ended_ms": 50}])
            self.assertEqual(watch.least(), 1)


class Plan(unittest.TestCase):
    def test_clients_find_seats(self):
        for point in (*plan.SERVERS, *plan.SEATS):
            is_small = point.part == "seats" and point.value <= 1000
            self.assertTrue(is_small or 2 * (point.held + plan.CLIENTS) <= point.seats, point)
        self.assertLess(2 * plan.HELD[-1], plan.EVENTS * plan.EVENT_SEATS)

    def test_settings_are_the_defaults_and_what_was_asked_for(self):
        options = argparse.Namespace(quick=False, seconds=2.0, repetitions=None, quiet_seconds=None, held_max=50_000)
        wanted = growth_command.settings(options)
        self.assertEqual((wanted.seconds, wanted.held), (2.0, (1_000, 10_000, 50_000)))
        options.seconds = 0
        with self.assertRaisesRegex(BenchError, "--seconds 0"):
            growth_command.settings(options)


class Page(unittest.TestCase):
    def page(self, *lines):
        with tempfile.TemporaryDirectory() as name:
            output = pathlib.Path(name)
            settings = {"seconds": 4.0, "repetitions": 3}
            machine = json.dumps({**MACHINE, "settings": settings}) + "\n"
            (output / results.FILE).write_text(machine + "".join(json.dumps(line) + "\n" for line in lines))
            (output / (growth_page.PREFIX + "old.svg")).write_text("gone")
            (output / "throughput.svg").write_text("another page's")
            growth_page.write(output)
            pictures = sorted(path.name for path in output.glob("*.svg"))
            return (output / growth_page.PAGE).read_text(), pictures

    def test_everything_is_on_it(self):
        lines = [measured(kind, value) for kind in growth_page.HEADS for value in (100_000, 1_000_000)]
        restart = {"kind": "restart", "held": 10_000_000, "ready_seconds": 4.5, "data_bytes": 10**9}
        page, pictures = self.page(*lines, SNAPSHOT, restart, CATCH_UP)
        for words in (
            "| memory for each of 1,000,000 reservations, bytes | 300 | at most 200 | missed |",
            "| a snapshot of 10,000,000 reservations: p99 meanwhile, of the usual | 3.00 | at most 2 | missed |",
            "| back from disk with 10,000,000, s | 4.5 | under 10 | reached |",
            "| the others' rate meanwhile, of that before | 0.60 | at least 0.7 | missed |",
        ):
            self.assertIn(words, page)
        self.assertEqual(len(pictures), 8)
        self.assertNotIn("growth-old.svg", pictures)
        self.assertIn("throughput.svg", pictures)

    def test_what_was_not_measured_is_not_on_it(self):
        page, pictures = self.page({"kind": "failure", "step": "seats 100", "words": "no\nluck"})
        self.assertNotIn("Targets", page)
        self.assertIn("- seats 100: no", page)
        self.assertEqual(pictures, ["throughput.svg"])

    def test_powers_of_ten_are_written_as_such(self):
        self.assertEqual([growth_page.count(value) for value in (7, 100, 10_000_000, 12_000)], ["7", "10²", "10⁷", "12,000"])

    def test_the_other_page_leaves_these_pictures(self):
        self.assertEqual(report.growth_page.PREFIX, "growth-")


if __name__ == "__main__":
    unittest.main()
