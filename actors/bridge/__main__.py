"""Start a bridge: `python -m actors.bridge --name bridge.1`."""

from actors.bridge.actor import Bridge
from actors.runtime.main import main

if __name__ == "__main__":
    main(Bridge)
