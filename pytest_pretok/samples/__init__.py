"""Small trial sets cut from a split: which rows, and how they are written as their source is.

Judges nothing; must not know pytest, click, or who prints what is found.
"""
