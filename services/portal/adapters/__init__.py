"""The portal's technology: Redis, OpenID Connect, gRPC."""
