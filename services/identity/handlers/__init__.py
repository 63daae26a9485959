"""The use cases of identity, one a function."""
