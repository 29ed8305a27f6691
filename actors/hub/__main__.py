"""Starts a hub: `python -m actors.hub --name hub.1`."""

from actors.runtime.main import main

if __name__ == "__main__":
    main("actors.hub.actor:HubActor")
