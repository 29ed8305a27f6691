"""Start an aggregator: `python -m actors.aggregator --name aggregator.1`."""

from actors.runtime.main import main

if __name__ == "__main__":
    main("actors.aggregator.actor:Aggregator")
