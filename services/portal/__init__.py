"""The person's web pages: their prompts, why they got them, and what they permit."""
