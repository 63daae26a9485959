"""The `joinedup` command."""


def main() -> None:
    """Run the command line."""
    # Imported here: who only wants one module of this package need not load every command.
    from joinedup.cli.app import app

    app()
