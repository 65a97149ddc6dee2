"""Every claim of a trainer's contract, held against the trainer itself."""
