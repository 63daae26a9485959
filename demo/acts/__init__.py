"""What happens, act by act; each says in words what was seen, or raises Unseen."""
