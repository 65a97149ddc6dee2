"""Mutation tests: small faults put into the core one at a time, which some test has to notice.

Nothing of the product and no test depends on it; needs ``mutation/requirements.txt``.
"""
