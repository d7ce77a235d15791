"""One label from many answers, over whole jobs: votes, the Dawid–Skene family, the choice among them, confidence.

Imported only by what computes over a job: its modules load NumPy and SciPy, except `online`, which decides about one
task within a request in plain Python.
"""
