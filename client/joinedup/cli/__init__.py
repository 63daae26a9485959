"""The `joinedup` command."""

import os


def main() -> None:
    """Run the command line."""
    # A server that stops is told by our own messages, not by the library's.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # Imported here: who only wants one module of this package need not load every command.
    from joinedup.cli.app import app

    app()
