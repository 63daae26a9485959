"""`python -m services.notifications`."""

from services.kit.run import run
from services.kit.settings import load
from services.notifications.bootstrap import serve
from services.notifications.settings import NotificationsSettings


def main() -> None:
    """Serve until told to stop."""
    settings = load(NotificationsSettings)
    run(lambda stop: serve(settings, stop))


if __name__ == "__main__":
    main()
