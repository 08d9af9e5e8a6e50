"""Tests of «name»."""

import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

from «name» import Counts, count, render
from «name».cli import main


class CountTest(unittest.TestCase):
    def test_counts(self):
        cases = {
            "": Counts(0, 0, 0),
            "one": Counts(1, 1, 3),
            "one two\nthree\n": Counts(2, 3, 14),
            "\n\n": Counts(2, 0, 2),
        }
        for text, counts in cases.items():
            with self.subTest(text=text):
                self.assertEqual(count(text), counts)

    def test_a_total_only_for_several_rows(self):
        self.assertNotIn("total", render([("a", Counts(1, 2, 3))]))
        last = render([("a", Counts(1, 2, 3)), ("b", Counts(4, 5, 6))]).splitlines()[-1]
        self.assertEqual(last.split(), ["5", "7", "9", "total"])


class CommandTest(unittest.TestCase):
    def run_command(self, *arguments, stdin=""):
        out, err = StringIO(), StringIO()
        with mock.patch("sys.stdin", StringIO(stdin)), redirect_stdout(out), redirect_stderr(err):
            code = main(list(arguments))
        return code, out.getvalue(), err.getvalue()

    def test_reads_standard_input(self):
        code, out, err = self.run_command(stdin="one two\n")
        self.assertEqual((code, out.split(), err), (0, ["1", "2", "8", "-"], ""))

    def test_reads_files_and_reports_what_it_cannot_read(self):
        with tempfile.TemporaryDirectory() as directory:
            good = Path(directory) / "good.txt"
            good.write_text("a b c\n", encoding="utf-8")
            missing = Path(directory) / "missing.txt"
            code, out, err = self.run_command(str(good), str(missing))
        self.assertEqual(code, 1)
        self.assertEqual(out.split()[:3], ["1", "3", "6"])
        self.assertIn("missing.txt", err)


if __name__ == "__main__":
    unittest.main()
