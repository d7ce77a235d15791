"""`manage.py bench quality`: how right labels are, how honest confidence is, what both cost (docs/benchmarks.md)."""
