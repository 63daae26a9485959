"""Where work comes in: the log, gRPC, and the ledger's own clock."""
