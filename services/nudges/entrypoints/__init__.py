"""Where records come in."""
