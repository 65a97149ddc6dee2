"""The project's own tests, and the commands that compare it with real data."""
