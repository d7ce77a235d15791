"""What stands out in how somebody works: named signals with their evidence, for a person to look at; never verdicts."""
