"""The ways into identity: calls, and the work that nobody calls for."""
