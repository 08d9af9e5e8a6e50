"""Tests of word_count."""

import unittest

from word_count import count


class CountTest(unittest.TestCase):
    def test_words_are_separated_by_any_space(self):
        self.assertEqual(count("one  two\nthree"), 3)

    def test_nothing_has_no_words(self):
        self.assertEqual(count(" "), 0)
