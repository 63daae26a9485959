"""The servers that are not ours: where their programs come from and how each is started."""
