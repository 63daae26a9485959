"""`python -m services.identity`."""

from services.identity.bootstrap import serve
from services.identity.settings import Settings
from services.kit.run import run
from services.kit.settings import load


def main() -> None:
    """Serve until told to stop."""
    settings = load(Settings)
    run(lambda stop: serve(settings, stop))


if __name__ == "__main__":
    main()
