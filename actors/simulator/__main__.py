"""`python -m actors.simulator --name simulator.1 --config FILE`."""

from actors.runtime.main import main
from actors.simulator.actor import Simulator

if __name__ == "__main__":
    main(Simulator)
