"""A first declaration for data that lies there: what is found, what is evident, and its TOML.

Judges nothing; must not know pytest, click, or who prints what is found.
"""
