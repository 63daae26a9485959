"""Publishing and following over gRPC: each RPC translates, calls a handler, translates back."""
