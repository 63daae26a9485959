"""What departments publish: judged at the door, put on the log, followed until decided."""
