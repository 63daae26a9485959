"""Ways in: HTTP from departments, decisions from the log."""
