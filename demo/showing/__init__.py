"""Telling the play: to an audience, or to a result file."""
