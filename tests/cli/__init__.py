"""Tests of the command ``pretok``."""
