"""Keeping processes running: supervisord, records of pids, waiting for readiness."""
