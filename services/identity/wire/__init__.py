"""Between the messages of the contracts and the words of the domain."""
