"""Break the rebuild in every way we can think of: a plain rerun must end with the numbers of an undisturbed rebuild.

`python -m tests.faults` breaks one copy after the other of a small project, runs `python -m stages repro` again,
compares and prints a table. Moments and places are random, and the same for the same seed.
"""
