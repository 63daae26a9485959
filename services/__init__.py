"""The processes Joined-Up runs, one package each; they meet on topics and gRPC only."""
