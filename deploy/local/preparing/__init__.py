"""What must stand before the first process starts: programs, folders, keys, databases, topics."""
