"""`python -m services.events`."""

from services.events.bootstrap import main
from services.kit.run import run

if __name__ == "__main__":
    run(main)
