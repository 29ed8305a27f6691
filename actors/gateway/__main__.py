"""Starts a gateway: `python -m actors.gateway --name gateway.1`."""

from actors.runtime.main import main

if __name__ == "__main__":
    main("actors.gateway.actor:Gateway", may_wait=True)
