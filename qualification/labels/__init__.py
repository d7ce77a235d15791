"""What an answer is: label schemas, annotations under them, and how near two answers are. Plain values, no Django."""
