"""Start a scanner: `python -m actors.scanner --name scanner.1`."""

from actors.runtime.main import main

if __name__ == "__main__":
    main("actors.scanner.actor:Scanner", may_wait=True)
