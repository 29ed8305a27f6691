"""Starts a hub: `python -m actors.hub --name hub.1`."""

from actors.hub.actor import HubActor
from actors.runtime.main import main

if __name__ == "__main__":
    main(HubActor)
