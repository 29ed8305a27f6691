"""`python -m tapehub` is the `tapehub` command."""

from tapehub.cli.main import main

if __name__ == "__main__":
    main()
