"""What a life event is, and when it may come in. Standard library only."""
