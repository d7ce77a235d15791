"""The benchmark: Assay beside the least that could do the same, on a throw-away installation (docs/benchmarks.md)."""
