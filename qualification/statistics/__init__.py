"""Numbers about answers and workers: consensus, when to stop asking, scores, estimates. Plain values, no Django."""
