"""Gaps in service: what belongs to which event, what is missed, the page and the pictures, and processes that are stopped."""

import pathlib
import signal
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

import gaps
import gaps_command
import gaps_page
import report
import results
import svg
from errors import BenchError
from process import Processes
from tests.examples import gap_run, gaps_text, line, text


def figures(*waits, silences=()):
    run = gap_run(waits=waits, silences=silences)
    return gaps.figures(run, False), gaps.figures(run, True)


class Figures(unittest.TestCase):
    def test_a_wait_belongs_to_the_event_that_it_lasted_over_or_that_came_before(self):
        fault, rejoin = figures((1, 1000, 1400), (1, 1999, 2100), (2, 2500, 2530), (3, 5100, 5150))
        self.assertEqual((fault.longest_ms, fault.hit), (101, 1), "what ended before the fault is of nobody")
        self.assertEqual((rejoin.longest_ms, rejoin.hit), (50, 0))

    def test_who_waits_on_until_after_the_rejoin_was_hit_by_the_fault(self):
        fault, rejoin = figures((1, 1990, 5600))
        self.assertEqual((fault.longest_ms, rejoin.longest_ms), (3610, 0))

    def test_who_was_served_between_and_waits_over_the_rejoin_was_hit_by_that(self):
        fault, rejoin = figures((1, 4000, 5600))
        self.assertEqual((fault.longest_ms, rejoin.longest_ms), (0, 1600))

    def test_silences_are_of_all_and_hit_clients_are_counted_once(self):
        waits = [(1, 1990, 2200), (1, 2300, 2450), (2, 1990, 2200)]
        fault, rejoin = figures(*waits, silences=[(1995, 2150), (5001, 5020)])
        self.assertEqual((fault.silence_ms, fault.hit), (155, 2))
        self.assertEqual((rejoin.silence_ms, rejoin.hit), (19, 0))

    def test_targets_are_those_of_the_configuration(self):
        targets = {(fault.key, is_undoing): target for fault, is_undoing, _, target in gaps.events()}
        self.assertEqual(
            targets,
            {
                ("stop", False): 250, ("kill", False): 1250, ("pause", False): 5250,
                ("stop", True): 250, ("kill", True): 250, ("pause", True): 250,
            },
        )

    def test_one_late_client_or_one_failed_command_is_a_miss(self):
        on_time = gap_run("kill", 2, waits=[(1, 1990, 3200)])
        self.assertEqual(gaps.parse(gaps_text(on_time)).missed(), [])
        late = gap_run("kill", 3, repetition=2, waits=[(1, 1990, 3300)], unknown=1, last_words="who knows")
        self.assertEqual(
            gaps.parse(gaps_text(on_time, late)).missed(),
            [
                "kill -9: 1 of 2 above 1250 ms, the worst 1310 ms",
                "kill of server 3, no. 2: 1 commands of unknown outcome (who knows)",
            ],
        )

    def test_lines_of_runs_that_came_to_nothing_are_passed_over(self):
        failure = {"kind": "failure", "fault": "stop", "server": 1, "repetition": 1, "words": "no"}
        self.assertEqual(gaps.parse(gaps_text(failure)).runs, [])
        with self.assertRaisesRegex(BenchError, "gaps.jsonl:1"):
            gaps.parse("{")
        with self.assertRaisesRegex(BenchError, "0 machines"):
            gaps.parse("")


class Turns(unittest.TestCase):
    def test_every_fault_comes_to_every_server(self):
        turns = list(gaps_command.turns(list(gaps.FAULTS.values()), 10))
        self.assertEqual(len(turns), 30)
        self.assertEqual(len({(fault.key, server) for _, fault, server in turns}), 9)


class Page(unittest.TestCase):
    def runs(self):
        waits = {"stop": 120, "kill": 1100, "pause": 5600}
        return [
            gap_run(key, server, server, waits=[(1, 1990, 1990 + wait)], silences=[(1995, 2005 + server)])
            for key, wait in waits.items()
            for server in gaps.SERVERS
        ]

    def test_the_table_says_what_was_reached(self):
        rows = gaps_page.summary(gaps.parse(gaps_text(*self.runs()))).splitlines()
        self.assertEqual(len(rows), 2 + 6)
        self.assertEqual(rows[2], "| graceful stop (SIGTERM) | 120 | 120 | 12 | 13 | 1 | 250 | reached |")
        self.assertEqual(rows[4], "| pause (SIGSTOP) | 5,600 | 5,600 | 12 | 13 | 1 | 5,250 | **missed 3 times of 3** |")
        self.assertEqual(rows[5], "| rejoin after a stop | < 20 | < 20 | < 5 | < 5 | 0 | 250 | reached |")

    def test_pages_are_written_again_beside_each_other(self):
        with tempfile.TemporaryDirectory() as place:
            output = pathlib.Path(place)
            with self.assertRaisesRegex(BenchError, "no results"):
                report.write_all(output)
            (output / gaps.FILE).write_text(gaps_text(*self.runs()))
            self.assertEqual(report.write_all(output), [gaps_page.PAGE])
            (output / results.FILE).write_text(text(line("postgres", "16", 1, 5)))
            report.write_all(output)
            pictures = {"gaps-stop.svg", "gaps-kill.svg", "gaps-pause.svg"}
            self.assertEqual({path.name for path in output.glob("*.svg")}, pictures | {"throughput.svg"})
            page = (output / gaps_page.PAGE).read_text()
            for picture in pictures:
                self.assertIn(f"]({picture})", page)
                xml.parse(output / picture)
            (output / gaps.FILE).write_text(gaps_text(gap_run("stop")))
            report.write_all(output)
            self.assertFalse((output / "gaps-kill.svg").exists())

    def test_answers_are_drawn_at_their_time(self):
        run = gap_run(answers=[10] * 100 + [0] * 100 + [10] * 250)
        rates = list(gaps_page.rates(run))
        self.assertEqual({rate for at, rate in rates if 0 < at < 2}, {0.0})
        self.assertEqual({rate for at, rate in rates if not 0 < at < 2}, {500.0})

    def test_scales_have_round_steps(self):
        for high in (1, 7, 99, 100, 101, 8_500, 12_345):
            step = svg.linear_step(high)
            self.assertTrue(4 <= high / step <= 10, (high, step))


class Stopped(unittest.TestCase):
    def test_one_that_was_killed_is_forgotten_and_may_come_again_under_its_name(self):
        with tempfile.TemporaryDirectory() as place, Processes(place) as processes:
            sleeper = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)"]
            first = processes.start("one", sleeper)
            processes.wait_until("it runs", lambda: "here" in processes.log_tail("one"))
            processes.send("one", signal.SIGKILL)
            self.assertEqual(processes.wait("one"), -signal.SIGKILL)
            processes.check()
            second = processes.start("one", sleeper)
            processes.wait_until("it runs again", lambda: processes.log_tail("one").count("here") == 2)
            self.assertEqual((processes.pids, first == second), ([second], False))
            processes.send_if_there("two", signal.SIGCONT)


if __name__ == "__main__":
    unittest.main()
