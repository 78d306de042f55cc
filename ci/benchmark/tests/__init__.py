"""Tests of what ci/bench reads, counts, writes and draws."""
