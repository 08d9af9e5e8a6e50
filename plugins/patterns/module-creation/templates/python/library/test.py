"""Tests of «name»."""

import math
import unittest
«if cli»
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
«end»

from «name» import RunningStats, summarize
«if cli»
from «name».cli import main
«end»


class RunningStatsTest(unittest.TestCase):
    def test_known_values(self):
        stats = summarize([2, 4, 4, 4, 5, 5, 7, 9])
        self.assertEqual(stats.count, 8)
        self.assertAlmostEqual(stats.mean, 5)
        self.assertAlmostEqual(stats.variance, 32 / 7)
        self.assertAlmostEqual(stats.deviation, math.sqrt(32 / 7))
        self.assertEqual((stats.minimum, stats.maximum), (2, 9))

    def test_nothing_and_one_number_have_no_spread(self):
        self.assertEqual(summarize([]).count, 0)
        self.assertEqual(summarize([]).variance, 0)
        self.assertEqual(summarize([3]).variance, 0)

    def test_large_numbers_keep_their_precision(self):
        self.assertAlmostEqual(summarize([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]).variance, 30)

    def test_numbers_that_are_not_finite_are_refused(self):
        for value in (math.nan, math.inf, -math.inf):
            with self.subTest(value=value), self.assertRaises(ValueError):
                RunningStats().add(value)

    def test_merging_equals_adding_everything(self):
        values = [0.5, -3, 12, 8, 8, 1e6]
        for cut in range(len(values) + 1):
            with self.subTest(cut=cut):
                left, right = summarize(values[:cut]), summarize(values[cut:])
                merged, whole = left.merge(right), summarize(values)
                self.assertEqual(merged.count, whole.count)
                self.assertAlmostEqual(merged.mean, whole.mean)
                self.assertAlmostEqual(merged.variance / whole.variance, 1)
                self.assertEqual(merged.maximum, whole.maximum)
                self.assertEqual(left.count, cut)
«if cli»


class CommandTest(unittest.TestCase):
    def run_command(self, *arguments):
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(list(arguments))
        return code, out.getvalue(), err.getvalue()

    def test_prints_the_statistics(self):
        code, out, _ = self.run_command("1", "2", "3")
        self.assertEqual(code, 0)
        self.assertIn("count=3 mean=2 deviation=1", out)

    def test_a_word_is_no_number(self):
        code, out, err = self.run_command("1", "two")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("two", err)
«end»


if __name__ == "__main__":
    unittest.main()
