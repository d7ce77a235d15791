"""Tests: they mirror the packages; see docs/operations.md for how to run them."""
