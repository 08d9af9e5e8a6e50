"""Tests of «name»."""

import unittest
«if cli»
from contextlib import redirect_stdout
from io import StringIO
«end»

from «name» import chunked, slugify, truncate
«if cli»
from «name».cli import main
«end»


class SlugifyTest(unittest.TestCase):
    def test_words_are_joined(self):
        cases = {
            "Hello, World!": "hello-world",
            "  Crème brûlée  ": "creme-brulee",
            "a--b__c": "a-b-c",
            "Version 2.0": "version-2-0",
            "...": "",
            "": "",
        }
        for text, slug in cases.items():
            with self.subTest(text=text):
                self.assertEqual(slugify(text), slug)

    def test_the_separator_can_be_chosen(self):
        self.assertEqual(slugify("Hello, World!", "_"), "hello_world")

    def test_a_slug_is_its_own_slug(self):
        self.assertEqual(slugify(slugify("Once More, With Feeling")), "once-more-with-feeling")


class TruncateTest(unittest.TestCase):
    def test_short_text_stays(self):
        self.assertEqual(truncate("short", 5), "short")

    def test_long_text_is_cut_to_the_width(self):
        self.assertEqual(truncate("a long sentence", 9), "a long...")
        for width in range(3, 20):
            with self.subTest(width=width):
                self.assertLessEqual(len(truncate("a long sentence", width)), width)

    def test_the_ellipsis_must_fit(self):
        with self.assertRaises(ValueError):
            truncate("text", 2)


class ChunkedTest(unittest.TestCase):
    def test_the_last_chunk_may_be_shorter(self):
        self.assertEqual(list(chunked(range(5), 2)), [[0, 1], [2, 3], [4]])

    def test_nothing_gives_no_chunk(self):
        self.assertEqual(list(chunked([], 3)), [])

    def test_a_size_below_one_is_refused_at_once(self):
        with self.assertRaises(ValueError):
            chunked([1], 0)
«if cli»


class CommandTest(unittest.TestCase):
    def test_prints_one_slug_per_argument(self):
        out = StringIO()
        with redirect_stdout(out):
            code = main(["Hello, World!", "Version 2.0", "--separator", "_"])
        self.assertEqual(code, 0)
        self.assertEqual(out.getvalue(), "hello_world\nversion_2_0\n")
«end»


if __name__ == "__main__":
    unittest.main()
