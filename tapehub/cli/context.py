"""What every command knows: which configuration, which run directory, where the hub is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tapehub.cli import exit_codes
from tapehub.cli.failures import Failure

if TYPE_CHECKING:
    from actors.runtime.settings import Loaded
    from protocol.endpoints import Endpoints
    from protocol.security.keyring import Keyring
    from protocol.transport import Wire

ENDPOINT_VARIABLE = "TAPEHUB_ENDPOINT"
RUN_DIR_VARIABLE = "TAPEHUB_RUN_DIR"
HOST_VARIABLE = "TAPEHUB_HOST"
KEY_VARIABLE = "TAPEHUB_KEY"


class Context:
    """The global options of one call.

    Args:
        config: Configuration file as given; None finds it.
        run_dir: Run directory as given; its compiled configuration is used instead of a file. None: that of
            `$TAPEHUB_RUN_DIR`, as programs find it, unless a file or another run directory is named; but nothing is
            started with that (`checked`).
        overrides: `section.key=value` texts.
        endpoint: Hub address as given.
        host: Which host of the topology this is, as given; else `$TAPEHUB_HOST`.
        key: Path of our secret key as given; else `$TAPEHUB_KEY`, else that of the operator of this host.
        is_debug: Show tracebacks.
    """

    def __init__(
        self,
        config: Path | None = None,
        run_dir: Path | None = None,
        overrides: Sequence[str] = (),
        endpoint: str = "",
        host: str = "",
        key: Path | None = None,
        *,
        is_debug: bool = False,
    ) -> None:
        self.config = config
        self.overrides = [*overrides, *([f"host={host}"] if host else [])]
        self.is_debug = is_debug
        self._run_dir = run_dir
        self._endpoint = endpoint
        if key is not None:
            os.environ[KEY_VARIABLE] = str(key)

    @cached_property
    def keyring(self) -> Keyring | None:
        """Our key for actors of other hosts; None where there is none, or no other host.

        Raises:
            Unauthorized: it cannot be used; says why.
        """
        from tapehub.keyring import operators_keyring

        return operators_keyring(self.loaded)

    def wire(self) -> Wire:
        """For a command that asks actors itself."""
        from protocol.errors import ConfigError
        from protocol.transport import Wire

        try:
            return Wire(keyring=self.keyring)
        except (ConfigError, Failure):  # a command that is told where to listen needs no configuration
            return Wire()

    @cached_property
    def loaded(self) -> Loaded:
        """The configuration, read once.

        Raises:
            ConfigError: it is wrong; each problem is named.
        """
        from actors.runtime.settings import COMPILED_NAME, load

        run_dir = self._run_dir or self._run_dir_of_environment()
        if run_dir is None:
            return load(self.config, self.overrides)
        path = run_dir / COMPILED_NAME
        if not path.is_file():
            whose = "" if self._run_dir else f" (${RUN_DIR_VARIABLE})"
            what = f"{run_dir}{whose} holds no {COMPILED_NAME}: nothing was started there"
            raise Failure(what, "tapehub up -d, or another --run-dir", exit_codes.UNREACHABLE)
        return load(path, self.overrides)

    def _run_dir_of_environment(self) -> Path | None:
        named = os.environ.get(RUN_DIR_VARIABLE, "")
        is_said = self.config is not None or any(one.partition("=")[0] == "run_dir" for one in self.overrides)
        return Path(named).absolute() if named and not is_said else None

    def checked(self) -> Loaded:
        """The configuration with the sections of all actors, and their files, checked.

        Raises:
            ConfigError: names every mistake there is.
        """
        from actors.runtime import layers
        from actors.runtime.settings import check, loaded_of
        from protocol.errors import ConfigError
        from tapehub.kinds import problems_of_actors, sections

        if self._run_dir is not None:
            return self.loaded
        tree = layers.read(self.config, self.overrides, os.environ)
        problems = check(tree, sections())
        if problems:
            raise ConfigError(problems)
        loaded = loaded_of(tree)
        problems = problems_of_actors(loaded)
        if problems:
            raise ConfigError(problems)
        self.loaded = loaded
        return loaded

    def startable(self) -> Loaded:
        """The checked configuration, and this host has what its part needs: before anything is started with it.

        Raises:
            ConfigError: names every mistake there is.
        """
        from protocol.errors import ConfigError
        from tapehub.hosting import problems_of_host

        loaded = self.checked()
        problems = problems_of_host(loaded)
        if problems:
            raise ConfigError(problems)
        return loaded

    @property
    def run_dir(self) -> Path:
        """Run directory, absolute."""
        return Path(self.loaded.common.run_dir)

    @cached_property
    def endpoints(self) -> Endpoints:
        """Addresses of all actors."""
        return self.loaded.common.endpoints

    @property
    def actors(self) -> list[str]:
        """Instance names of the topology, in its order."""
        return list(self.loaded.common.actors)

    def actors_of(self, kind: str) -> list[str]:
        """Instances of one kind."""
        return [name for name in self.actors if name.partition(".")[0] == kind]

    @property
    def hub_endpoints(self) -> list[str]:
        """Where hubs answer: `--endpoint`, `$TAPEHUB_ENDPOINT`, or every hub of the topology."""
        named = self._endpoint or os.environ.get(ENDPOINT_VARIABLE, "")
        if not os.environ.get(KEY_VARIABLE) and not named and self.keyring is not None:
            os.environ[KEY_VARIABLE] = str(self.keyring.folder.secret_path(self.keyring.name))  # for `Hub`
        if named:
            return [one.strip() for one in named.split(",")]
        return [self.endpoints.query(name) for name in self.endpoints.topology.nearest(self.actors_of("hub"))]


_current = Context()


def current() -> Context:
    """The context of this call."""
    return _current


def use(context: Context) -> None:
    """Make this the context of the call: the global options, or a test."""
    global _current  # noqa: PLW0603 - one process runs one command
    _current = context
