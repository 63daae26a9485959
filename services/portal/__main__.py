"""`python -m services.portal`: serves the person's pages."""

from services.kit.run import run
from services.portal import bootstrap

if __name__ == "__main__":
    run(bootstrap.run)
