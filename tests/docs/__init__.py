"""Tests of the documentation: its generated pages, its blocks, its links, and that it builds."""
