"""Start a detector: `python -m actors.detector --name detector.1`."""

from actors.runtime.main import main

if __name__ == "__main__":
    main("actors.detector.actor:Detector", may_wait=True)
