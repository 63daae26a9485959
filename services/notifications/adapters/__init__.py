"""Technology behind the ports: databases, the log, other services, files, live streams."""
