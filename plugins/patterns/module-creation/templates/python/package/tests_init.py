"""Tests of «name»."""
