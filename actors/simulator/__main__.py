"""`python -m actors.simulator --name simulator.1 --config FILE`."""

from actors.runtime.main import main

if __name__ == "__main__":
    main("actors.simulator.actor:Simulator")
