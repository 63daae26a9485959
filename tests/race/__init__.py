"""The race: people say no on the real processes while prompts are claimed and opened for them."""
