"""Start a notifier: `python -m actors.notifier --name notifier.1`."""

from actors.runtime.main import main

if __name__ == "__main__":
    main("actors.notifier.actor:Notifier", may_wait=True)
