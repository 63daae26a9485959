"""Decides which prompts a life event is worth, under each person's permissions."""
