"""Which runs count, medians and ratios."""

import unittest

import results
from errors import BenchError
from tests.examples import MACHINE, line, text


class Parsing(unittest.TestCase):
    def test_a_damaged_line_is_named(self):
        with self.assertRaisesRegex(BenchError, "results.jsonl:2"):
            results.parse(text() + "{\n")
        with self.assertRaisesRegex(BenchError, "results.jsonl:2"):
            results.parse(text() + "3\n")

    def test_results_are_of_one_machine(self):
        with self.assertRaisesRegex(BenchError, "2 machines"):
            results.parse(text(MACHINE))
        with self.assertRaisesRegex(BenchError, "0 machines"):
            results.parse("")

    def test_failures_and_lines_of_other_kinds_are_no_runs(self):
        failure = {**line("redis", "1", 1, 5), "kind": "failure"}
        self.assertEqual(results.parse(text(failure, {"kind": "growth"})).runs, [])


class Choosing(unittest.TestCase):
    def test_an_undisturbed_attempt_counts_whatever_it_measured(self):
        lines = [
            line("redis", "1", 1, 900, attempt=1, other_cores=0.5),
            line("redis", "1", 1, 100, attempt=2, other_cores=0.29),
        ]
        self.assertEqual(results.parse(text(*lines)).median("redis", "1")["operations_per_second"], 100)

    def test_of_disturbed_attempts_the_least_disturbed_one_counts_and_is_marked(self):
        lines = [
            line("redis", "1", 1, 1, attempt=1, other_cores=0.5, stolen_cores=0.4),
            line("redis", "1", 1, 2, attempt=2, other_cores=0.4),
            line("redis", "1", 1, 3, attempt=3, stolen_cores=0.6),
        ]
        found = results.parse(text(*lines))
        self.assertEqual(found.median("redis", "1")["operations_per_second"], 2)
        self.assertEqual(len(found.disturbed()), 1)


class Figures(unittest.TestCase):
    def test_the_median_is_a_run_that_was_made(self):
        three = [line("redis", "1", n, rate) for n, rate in enumerate((30, 10, 20), 1)]
        found = results.parse(text(*three))
        self.assertEqual(found.median("redis", "1")["operations_per_second"], 20)
        self.assertEqual(found.spread("redis", "1"), (10, 30))
        two = results.parse(text(*three[:2]))
        self.assertEqual(two.median("redis", "1")["operations_per_second"], 10)
        self.assertIsNone(found.median("redis", "16"))

    def test_ratios_are_of_runs_next_to_each_other(self):
        # The machine was half as fast in the second round; the ratios of pairs are 2, 2 and 5.
        lines = [line("boxoffice", "1", n, rate) for n, rate in ((1, 200), (2, 100), (3, 500))]
        lines += [line("redis", "1", n, rate) for n, rate in ((1, 100), (2, 50), (3, 100))]
        found = results.parse(text(*lines))
        self.assertEqual(found.ratio(("boxoffice", "1"), ("redis", "1")), 2)
        self.assertIsNone(found.ratio(("boxoffice", "1"), ("etcd", "1")))

    def test_what_must_not_be_is_told(self):
        self.assertEqual(results.problems(line("redis", "1", 1, 5)), [])
        bad = line("redis", "1", 1, 5, problem="a seat is missing", sold_twice=3, refused=1, last_words="no")
        said = results.problems(bad)
        self.assertEqual(len(said), 3)
        self.assertIn("redis at 1: 3 seats sold twice (no)", said)
        self.assertIn("redis at 1: a seat is missing", said)


if __name__ == "__main__":
    unittest.main()
