"""Merging answers that are no classes: numbers, stretches, shapes, rankings, words. Plain values and arrays."""
