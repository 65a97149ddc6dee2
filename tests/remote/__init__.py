"""Remote data: real servers on this machine, asked through the real libraries."""
