"""The use cases, one each."""
