"""`python -m services.nudges`."""

from services.kit.run import run
from services.nudges.bootstrap import main

if __name__ == "__main__":
    run(main)
