"""Weak supervision: rules of thumb that name a class where they apply, measured, and fused with people's answers.

Imported only by what computes over a job: its modules load NumPy and RE2.
"""
