"""What can be promised of a job's labels, from inspections drawn at random: bounds that hold whenever one stops."""
