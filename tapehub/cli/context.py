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

ENDPOINT_VARIABLE = "TAPEHUB_ENDPOINT"


class Context:
    """The global options of one call.

    Args:
        config: Configuration file as given; None finds it.
        run_dir: Run directory as given; its compiled configuration is used instead of a file.
        overrides: `section.key=value` texts.
        endpoint: Hub address as given.
        is_debug: Show tracebacks.
    """

    def __init__(
        self,
        config: Path | None = None,
        run_dir: Path | None = None,
        overrides: Sequence[str] = (),
        endpoint: str = "",
        *,
        is_debug: bool = False,
    ) -> None:
        self.config = config
        self.overrides = list(overrides)
        self.is_debug = is_debug
        self._run_dir = run_dir
        self._endpoint = endpoint

    @cached_property
    def loaded(self) -> Loaded:
        """The configuration, read once.

        Raises:
            ConfigError: it is wrong; each problem is named.
        """
        from actors.runtime.settings import COMPILED_NAME, load

        if self._run_dir is None:
            return load(self.config, self.overrides)
        path = self._run_dir / COMPILED_NAME
        if not path.is_file():
            what = f"{self._run_dir} holds no {COMPILED_NAME}: nothing was started there"
            raise Failure(what, "tapehub up -d, or another --run-dir", exit_codes.UNREACHABLE)
        return load(path, self.overrides)

    def checked(self) -> Loaded:
        """The configuration with the sections of all actors, and their files, checked: before anything is started with it.

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

    @property
    def run_dir(self) -> Path:
        """Run directory, absolute."""
        return Path(self.loaded.common.run_dir)

    @cached_property
    def endpoints(self) -> Endpoints:
        """Addresses of all actors."""
        from protocol.endpoints import Endpoints

        return Endpoints(self.run_dir)

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
        if named:
            return [one.strip() for one in named.split(",")]
        return [self.endpoints.query(name) for name in self.actors_of("hub")]


_current = Context()


def current() -> Context:
    """The context of this call."""
    return _current


def use(context: Context) -> None:
    """Make this the context of the call: the global options, or a test."""
    global _current  # noqa: PLW0603 - one process runs one command
    _current = context
