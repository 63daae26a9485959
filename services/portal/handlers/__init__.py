"""The portal's use cases, one function each."""
