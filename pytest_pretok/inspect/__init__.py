"""Looking into data without a verdict: single rows, sums, and how a trainer would batch it.

Reads through `readers`; must not know pytest, click, or who prints what is found.
"""
