"""Two thousand people who never lived, the same ones every time."""
