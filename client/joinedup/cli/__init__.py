"""The `joinedup` command."""

from joinedup.cli.app import main

__all__ = ["main"]
