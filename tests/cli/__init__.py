"""The command ``pretok``."""
