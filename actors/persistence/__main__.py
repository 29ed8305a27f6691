"""`python -m actors.persistence --name persistence.1`."""

from actors.runtime.main import main

if __name__ == "__main__":
    main("actors.persistence.actor:Persistence")
