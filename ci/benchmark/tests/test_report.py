"""The page, the targets and the pictures."""

import pathlib
import tempfile
import unittest
import xml.etree.ElementTree as xml

import plan
import report
import results
import svg
import table
import targets
from errors import BenchError
from tests.examples import line, text


def everything():
    """Results of all systems at all levels, boxoffice at 60 % of ceiling."""
    rates = {"boxoffice": 600, "ceiling": 1000, "redis": 100, "etcd": 50, "etcd-one-event": 5, "postgres": 40}
    lines = []
    for subject in plan.SUBJECTS:
        for level in subject.levels:
            for repetition in (1, 2, 3):
                rate = rates.get(subject.key, 700) * plan.LEVELS[level].clients + repetition
                lines.append(line(subject.key, level, repetition, rate))
    return text(*lines)


class Page(unittest.TestCase):
    def test_numbers_have_as_many_digits_as_they_are_worth(self):
        self.assertEqual([table.ms(us) for us in (412, 9_994, 12_345, 2_096_000)], ["0.41", "9.99", "12.3", "2,096"])
        self.assertEqual([table.short(v) for v in (None, 0.6, 43.77, 123.4)], ["", "0.60", "43.8", "123"])

    def test_rows_say_what_was_measured_and_how_it_compares(self):
        found = results.parse(everything())
        rows = table.peers(found, plan.LEVELS["64"]).splitlines()
        self.assertEqual(len(rows), 2 + 6)
        redis = next(row for row in rows if "Redis" in row)
        self.assertEqual(
            redis,
            "| Redis, AOF always, WAIT 2 | 6,402 | 6,401 to 6,403 | 0.90 / 2.50 | 20.2 / 8.00 | 0.10 | 6.00 |",
        )

    def test_pipelined_clients_stand_against_many_clients_of_the_peers(self):
        found = results.parse(everything())
        rows = table.peers(found, plan.LEVELS[plan.PIPELINED])
        self.assertIn("Redis, AOF always, WAIT 2 (256 clients)", rows)
        self.assertNotIn("compare-and-swap", rows, "it was not measured with so many")

    def test_a_disturbed_run_is_named(self):
        found = results.parse(text(line("etcd", "16", 1, 5, other_cores=0.4)))
        self.assertIn("1 of 1 runs were disturbed", table.disturbed(found))
        self.assertEqual(table.cells(found, "etcd", "16")[0], "5*")

    def test_targets_are_reached_or_missed(self):
        said = targets.text(results.parse(everything()))
        self.assertRegex(said, r"\| 64: rate, of ceiling's \| 0\.60 \| at least 0\.6 \| reached \|")
        self.assertRegex(said, r"\| 64: rate, of etcd's \| 11\.99 \| at least 7 \| reached \|")
        self.assertRegex(said, r"\| 64: rate, of redis's \| 6\.00 \| at least 1\.7 \| reached \|")
        self.assertRegex(said, r"linearizable reads: rate, of the mix's \| 1\.17 \| at least 5 \| missed \|")
        self.assertIsNone(targets.text(results.parse(text(line("postgres", "1", 1, 5)))))


class Pictures(unittest.TestCase):
    def test_page_and_pictures_are_written_and_old_pictures_go(self):
        with tempfile.TemporaryDirectory() as name:
            output = pathlib.Path(name)
            (output / results.FILE).write_text(everything())
            report.write(output)
            names = {path.name for path in output.iterdir()}
            pictures = {"throughput.svg", "latency-1.svg", "latency-64.svg", "latency-256.svg", "cases.svg"}
            self.assertEqual(names, pictures | {results.FILE, report.PAGE})
            page = (output / report.PAGE).read_text()
            for picture in pictures:
                self.assertIn(f"]({picture})", page)
                xml.parse(output / picture)
            (output / results.FILE).write_text(text(line("postgres", "16", 1, 5)))
            report.write(output)
            self.assertEqual({path.name for path in output.glob("*.svg")}, {"throughput.svg"})

    def test_without_results_it_says_so(self):
        with tempfile.TemporaryDirectory() as name, self.assertRaisesRegex(BenchError, "does not exist"):
            report.write(pathlib.Path(name))

    def test_the_scale_holds_all_values(self):
        for low, high in ((861, 225_644), (0.4, 2_096), (5, 5), (1, 10), (99, 101), (0.02, 9e5)):
            scale = svg.ticks(low, high)
            self.assertLessEqual(scale[0], low)
            self.assertGreaterEqual(scale[-1], high)
            self.assertGreaterEqual(len(scale), 2)
            self.assertLessEqual(len(scale), 11)

    def test_labels_do_not_lie_upon_each_other(self):
        moved = svg.spread_out([50, 52, 51, 200, 300], 17, 0, 300)
        in_order = sorted(moved)
        self.assertTrue(all(b - a >= 17 - 1e-9 for a, b in zip(in_order, in_order[1:])), moved)
        self.assertEqual([moved.index(v) for v in in_order], [0, 2, 1, 3, 4], "their order stays")
        self.assertTrue(all(0 <= place <= 300 for place in moved))

    def test_words_cannot_break_a_picture(self):
        series = [svg.Series('<b>"&', (1.0, None, 3.0), 0)]
        picture = svg.line_chart("<&>", ["a < b"], ["x", "y", "z"], "<x>", series, "&", str)
        self.assertIn("<b>\"&", "".join(xml.fromstring(picture).itertext()))


if __name__ == "__main__":
    unittest.main()
