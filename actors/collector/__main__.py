"""Starts a collector: `python -m actors.collector --name collector.binance.1`."""

from actors.runtime.main import main

if __name__ == "__main__":
    main("actors.collector.actor:Collector")
