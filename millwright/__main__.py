"""Lets `python -m millwright` do what the command does."""

from millwright.cli import main

if __name__ == "__main__":
    main()
