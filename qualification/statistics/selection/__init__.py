"""Which tasks to ask about next: those that a client's model is least sure of, and among them such as differ.

Imported only by what computes over a job: its modules load NumPy.
"""
