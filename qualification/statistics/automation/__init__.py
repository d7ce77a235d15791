"""When a model's predictions may count and be accepted: its vote, the bound of its error, drift, and what it is worth.

Plain Python: all of it works on a few counts, and is asked by processes that never load NumPy.
"""
