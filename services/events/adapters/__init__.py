"""Technology behind the ports: files, PostgreSQL, gRPC, Kafka."""
