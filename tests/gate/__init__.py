"""The verdict itself: every violation, exact rows, no false alarm."""
