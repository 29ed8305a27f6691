"""Start a guardian, as supervisord does with an event listener: `python -m actors.guardian --name guardian.1`."""

from actors.runtime.main import main

if __name__ == "__main__":
    main("actors.guardian.actor:Guardian")
