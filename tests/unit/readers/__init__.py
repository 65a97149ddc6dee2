"""Tests of the readers: files written by others, read back and broken on purpose."""
