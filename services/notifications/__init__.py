"""Gets a prompt to a person, and knows whether it arrived."""
