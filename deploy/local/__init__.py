"""The whole platform on one machine's loopback: `python -m deploy.local up`."""
