"""From the command line to a running actor, and out of it again; `main` comes here once the first steps are done."""

from __future__ import annotations

import argparse
import faulthandler
import gc
import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from actors.runtime.actor import Actor
from actors.runtime.identity import NameLock
from actors.runtime.logging import set_up_logging
from actors.runtime.main import EXIT_BUG, EXIT_CONFIG, EXIT_GUARD
from actors.runtime.settings import Loaded, load
from protocol.endpoints import Endpoints
from protocol.errors import ConfigError, GuardDied, StartError
from protocol.topics import is_publisher


def live(
    actor: type[Actor] | str, argv: Sequence[str] | None = None, begun: Callable[[], None] = lambda: None
) -> NoReturn:
    """Start one actor and live as long as it does.

    Args:
        actor: Its type, or where that is: `actors.hub.actor:Hub`. Only named it is imported here.
        argv: Instead of this process's arguments.
        begun: Called when everything is imported and made, before the actor begins to work.
    """
    actor_type = _imported(actor) if isinstance(actor, str) else actor
    gc.enable()
    parser = argparse.ArgumentParser(
        prog=f"python -m actors.{actor_type.kind}", description=actor_type.__doc__
    )
    parser.add_argument(
        "--name", default=f"{actor_type.kind}.1", help="instance name, as in the configuration"
    )
    parser.add_argument("--config", type=Path, help="configuration file; default config/tapehub.yaml")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override one setting"
    )
    arguments = parser.parse_args(argv)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    try:
        loaded = load(arguments.config, arguments.set)
        _check_name(arguments.name, actor_type, loaded)
    except ConfigError as error:
        print("bad configuration:", *error.problems, sep="\n  ", file=sys.stderr)  # noqa: T201 - no log yet
        sys.exit(EXIT_CONFIG)
    _leave(_live(actor_type, arguments.name, loaded, begun))


def _imported(place: str) -> type[Actor]:
    module, _, name = place.partition(":")
    found: type[Actor] = getattr(importlib.import_module(module), name)
    return found


def _leave(code: int) -> NoReturn:
    """End the process. Everything is written and closed; a thread that still waits for a peer (a name server, a handshake)
    must not be met by an interpreter that takes itself apart: that ends in a crash now and then.
    """
    if threading.active_count() > 1:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _live(actor_type: type[Actor], name: str, loaded: Loaded, begun: Callable[[], None]) -> int:
    log = set_up_logging(name, loaded.common.log_level)
    try:
        run_dir = Path(loaded.common.run_dir)
        Endpoints(run_dir).prepare()
        lock = NameLock(run_dir / "lock", name)
        try:
            actor = actor_type(name, loaded)
            gc.freeze()  # what the imports left is not garbage: do not look at it again
            begun()
            actor.run()
        finally:
            lock.release()
    except ConfigError as error:
        for problem in error.problems:
            log.error("bad configuration: %s", problem)
        return EXIT_CONFIG
    except StartError as error:
        log.error("cannot start: %s", error)
        return error.exit_code
    except GuardDied as error:
        log.critical("we end, since nobody guards us: %s", error)
        return EXIT_GUARD
    except Exception:  # whatever it is: the log tells it, the exit code that a restart may help
        log.exception("our own bug: the process ends, the supervisor restarts it")
        return EXIT_BUG
    return 0


def _check_name(name: str, actor_type: type[Actor], loaded: Loaded) -> None:
    if not is_publisher(name):
        raise ConfigError([f"--name {name!r}: use 1 to 32 of a-z 0-9 . _ -"])
    if name.partition(".")[0] != actor_type.kind:
        raise ConfigError(
            [f"--name {name!r}: an instance of {actor_type.kind} starts with '{actor_type.kind}.'"]
        )
    common = loaded.common
    if name in common.actors and name not in common.here:
        where = common.topology.host_of(name)
        raise ConfigError(
            [f"--name {name!r} runs on host {where!r}, this is {common.host!r}: see --set host="]
        )
    if name not in common.actors:
        known = ", ".join(common.actors) or "none"
        raise ConfigError([f"--name {name!r} is not in the configuration's actors ({known})"])
