"""The pages of docs/reference, each made from what the platform itself reads or serves."""
