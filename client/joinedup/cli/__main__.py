"""`python -m joinedup.cli`, for where the command itself is not installed."""

from joinedup.cli import main

if __name__ == "__main__":
    main()
