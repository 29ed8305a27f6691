"""`python -m actors.persistence --name persistence.1`."""

from actors.persistence.actor import Persistence
from actors.runtime.main import main

if __name__ == "__main__":
    main(Persistence)
