"""The demonstration: a real job on handwritten digits, worked on by a simulated crowd."""
