"""How the console writes what it shows, by language."""
