"""The same platform in containers: `docker compose -f deploy/compose/compose.yaml up`."""
