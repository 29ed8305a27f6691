"""Start a bridge: `python -m actors.bridge --name bridge.1`."""

from actors.runtime.main import main

if __name__ == "__main__":
    main("actors.bridge.actor:Bridge")
