"""Start an aggregator: `python -m actors.aggregator --name aggregator.1`."""

from actors.aggregator.actor import Aggregator
from actors.runtime.main import main

if __name__ == "__main__":
    main(Aggregator)
