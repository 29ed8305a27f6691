"""Starts a journal server: `python -m actors.journal --name journal.1`."""

from actors.runtime.main import main

if __name__ == "__main__":
    main("actors.journal.actor:JournalActor")
