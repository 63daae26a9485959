"""The rules of identity: matching, cases, permissions and their history. Pure."""
