"""Settings that every actor shares, and how a configuration is loaded.

One schema: the structs here and `actors/<kind>/settings.py`. A person's YAML is read by `layers`, and every
mistake is reported at once by `conformity`; actors normally load the compiled form that `tapehub up` wrote
(`<run_dir>/config.msgpack`), for which neither YAML nor the checker is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from protocol.brokers import Broker
from protocol.endpoints import Endpoints
from protocol.errors import ConfigError
from protocol.instruments import Instrument
from protocol.security.limits import Limits
from protocol.topology import Host, Topology

if TYPE_CHECKING:
    from actors.runtime.layers import Tree

T = TypeVar("T")

COMPILED_SUFFIX: Final = ".msgpack"
COMPILED_NAME: Final = "config.msgpack"
_COMPILED_FORMAT: Final = 2


class Bus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sockets between actors."""

    high_water_mark: Annotated[int, Meta(ge=1000, le=10_000_000)] = 100_000
    """Frames kept for one slow subscriber before it loses its own newest ones."""
    lagging_s: Annotated[float, Meta(gt=0, le=3600)] = 1.0
    """An actor that is further than this behind what it hears says that it lags; hub and gateway then conflate quotes, seconds."""
    replay: bool = True
    """Whether actors fetch from the journal server what the bus lost; without it every loss is a hole."""


class Journals(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The journals, one per publisher under `<run_dir>/journal`: every frame is in one before it is sent."""

    segment_bytes: Annotated[int, Meta(ge=1_000_000, le=1_000_000_000)] = 16 * 1024 * 1024
    """Size at which a segment is sealed and the next one begun, bytes. A publisher that was killed reads its last one: four
    times the size, four times as long until it is back."""
    segment_age_s: Annotated[float, Meta(ge=1)] = 600.0
    """Age at which it is sealed, seconds."""
    sync_s: Annotated[float, Meta(gt=0, le=60)] = 0.1
    """Seconds between two syncs to the medium: what a power cut can take. A killed process loses nothing."""
    ring_bytes: Annotated[int, Meta(ge=1_000_000)] = 32 * 1024 * 1024
    """Frames kept in memory while the disk is full; the oldest are lost beyond, and told, bytes."""
    ballast_bytes: Annotated[int, Meta(ge=0)] = 16 * 1024 * 1024
    """A file that is given up when the disk fills, so that there is time to make room; 0: none."""


class Logs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Log files under `<run_dir>/log`, rotated by supervisord."""

    max_bytes: Annotated[int, Meta(ge=100_000)] = 10_000_000
    """Bytes at which a log file is rotated."""
    backups: Annotated[int, Meta(ge=0, le=100)] = 3
    """Rotated files kept for each actor."""


class Common(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The top level of the configuration."""

    run_dir: str = "var"
    """Folder of everything at run time: sockets, locks, logs, recordings. A relative path counts from the
    folder above `config/` (from the file's own folder if it is in no `config/`); absolute once loaded."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Lines less important than this are not logged."""
    heartbeat_s: Annotated[float, Meta(gt=0, le=1)] = 0.25
    """Seconds between two heartbeats of an actor; the full status goes out each second."""
    drain_s: Annotated[float, Meta(ge=0, le=60)] = 5.0
    """Seconds an actor may take to finish its work after SIGTERM."""
    symbols_file: str = "symbols.yaml"
    """Instruments and their names at each venue; a relative path counts from this file's folder."""
    bus: Bus = Bus()
    """Sockets between actors."""
    journal: Journals = Journals()
    """Journals of the publishers."""
    logs: Logs = Logs()
    """Log files."""
    keys: str = "keys"
    """Folder of the keys that other hosts and engines are known by; a relative path counts from this file's folder.
    TAPEHUB_KEYS names another."""
    key_limits: Limits = Limits()
    """What one key may do at one actor."""
    host: str = ""
    """Which of `hosts` this is; `--host` and TAPEHUB_HOST set it."""
    hosts: dict[str, Host] = {}
    """Machines of the topology, and which actors run on each; none: everything runs here."""
    actors: dict[str, dict[str, Any]] = {}
    """Instance name to the settings of its kind; the kind is the text before the first dot."""

    @property
    def topology(self) -> Topology:
        """Who runs where, seen from this host."""
        return Topology(self.hosts, self.host)

    @property
    def endpoints(self) -> Endpoints:
        """Addresses of all actors, seen from this host."""
        return Endpoints(Path(self.run_dir), self.topology)

    @property
    def here(self) -> list[str]:
        """Actors that run on this host, in the order of the configuration."""
        topology = self.topology
        return [name for name in self.actors if topology.is_here(name)]


class Loaded:
    """A configuration that is in order, but for the sections of the actors: `section` types those."""

    def __init__(
        self,
        common: Common,
        instruments: list[Instrument],
        digest: str,
        files: list[str],
        folder: Path,
        tree: Tree | None = None,
        brokers: Mapping[str, Broker] | None = None,
    ) -> None:
        self.common = common
        self.instruments = instruments
        self.brokers = dict(brokers or {})
        """How brokers write symbols."""
        self.digest = digest
        """Changes whenever any setting or instrument does."""
        self.files = files
        """Files it was read from, later ones win."""
        self.folder = folder
        """Where the configuration file lies, absolute: what it names beside itself counts from here."""
        self.tree = tree
        """Where each value stands; None if it was loaded from the compiled form."""

    def section(self, name: str, kind: type[T]) -> T:
        """Settings of one actor.

        Raises:
            ConfigError: the actor is not configured, or its section does not fit; names every mistake.
        """
        data = self.common.actors.get(name)
        if data is None:
            known = ", ".join(self.common.actors) or "none"
            raise ConfigError([f"{self.files[0]}: actors: no actor {name!r} here; there are: {known}"])
        try:
            return msgspec.convert(data, kind, strict=False)
        except msgspec.ValidationError as fault:
            from actors.runtime.conformity import problems_of  # noqa: PLC0415 - only when something is wrong

            where = self.tree.where if self.tree else lambda _path, **_: self.files[0]
            found = problems_of(data, kind, ("actors", name), where)
            raise ConfigError(found or [f"{self.files[0]}: actors.{name}: {fault}"]) from None


def load(
    path: Path | None = None,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Loaded:
    """Read a configuration: YAML with all its layers, or the compiled form.

    Args:
        path: The file; by default `$TAPEHUB_CONFIG`, else the nearest `config/tapehub.yaml`.
        overrides: `section.key=value`, the last layer.
        environ: Instead of this process's environment.

    Raises:
        ConfigError: names every mistake outside the actors' own sections.
    """
    environ = os.environ if environ is None else environ
    if path is not None and path.suffix == COMPILED_SUFFIX:
        return _load_compiled(path, overrides)
    from actors.runtime import layers  # noqa: PLC0415 - not for actors that load the compiled form

    tree = layers.read(path, overrides, environ)
    problems = check(tree, None)
    if problems:
        raise ConfigError(problems)
    return loaded_of(tree)


def check(tree: Tree, sections: Mapping[str, type] | None) -> list[str]:
    """Every problem of a configuration at once, in the order of the files.

    Args:
        tree: What `layers.read` returned.
        sections: Actor kind to the type of its section; None leaves the sections unchecked.
    """
    from actors.runtime import tree_conformity  # noqa: PLC0415 - not for actors that load the compiled form

    return tree_conformity.problems_of_tree(tree, Common, sections)


def loaded_of(tree: Tree) -> Loaded:
    """A tree without problems, typed."""
    common = msgspec.convert(tree.data, Common, strict=False)
    instruments = [_instrument(name, row) for name, row in tree.symbols.items()]
    brokers = msgspec.convert(tree.brokers, dict[str, Broker], strict=False)
    digest = _digest(tree.data, {**tree.symbols, "brokers": tree.brokers})
    return Loaded(common, instruments, digest, tree.files, tree.path.absolute().parent, tree, brokers)


def compiled_of(loaded: Loaded) -> bytes:
    """The compiled form: one msgpack map that `load` reads back without YAML. May hold secrets."""
    return msgspec.msgpack.encode(
        {
            "format": _COMPILED_FORMAT,
            "common": msgspec.to_builtins(loaded.common),
            "symbols": {one.symbol: msgspec.to_builtins(one) for one in loaded.instruments},
            "brokers": loaded.brokers,
            "digest": loaded.digest,
            "files": loaded.files,
            "folder": str(loaded.folder),
        }
    )


class _Compiled(msgspec.Struct, frozen=True):
    format: int
    common: dict[str, Any]
    symbols: dict[str, Instrument]
    digest: str
    files: list[str]
    folder: str
    brokers: dict[str, Broker] = {}


def _load_compiled(path: Path, overrides: Sequence[str]) -> Loaded:
    try:
        compiled = msgspec.msgpack.decode(path.read_bytes(), type=_Compiled)
    except OSError as fault:
        raise ConfigError([f"{path}: cannot read it: {fault.strerror}; `tapehub up` writes it"]) from fault
    except msgspec.DecodeError as fault:
        raise ConfigError(
            [f"{path}: not a compiled configuration: {fault}; `tapehub up` writes it"]
        ) from fault
    if compiled.format != _COMPILED_FORMAT:
        problem = f"{path}: format {compiled.format}, this version reads {_COMPILED_FORMAT}; run `tapehub up`"
        raise ConfigError([problem])
    data, digest = compiled.common, compiled.digest
    if overrides:
        from actors.runtime.layers import Tree  # noqa: PLC0415 - rare
        from actors.runtime.overrides import set_overrides  # noqa: PLC0415 - rare

        tree = Tree(path)
        tree.data = data
        set_overrides(tree, overrides)
        if tree.problems:
            raise ConfigError(tree.problems)
        digest = _digest(data, msgspec.to_builtins({**compiled.symbols, "brokers": compiled.brokers}))
    try:
        common = msgspec.convert(data, Common, strict=False)
    except msgspec.ValidationError as fault:
        raise ConfigError([f"{path}: {fault}"]) from fault
    instruments = list(compiled.symbols.values())
    return Loaded(common, instruments, digest, [str(path)], Path(compiled.folder), brokers=compiled.brokers)


def _instrument(symbol: str, row: Mapping[str, Any]) -> Instrument:
    """One entry of symbols.yaml; base and quote come from the name where they are not given."""
    base, _, rest = symbol.partition("_")
    quote = rest.partition(".")[0]
    named = {"base": base, "quote": quote, **row, "symbol": symbol}
    return msgspec.convert(named, Instrument, strict=False)


def _digest(data: Mapping[str, Any], symbols: Mapping[str, Any]) -> str:
    """The same on all hosts of one topology: they differ in who they are, and where they keep their files."""
    if data.get("hosts"):
        data = {key: value for key, value in data.items() if key not in ("host", "run_dir")}
    import hashlib  # noqa: PLC0415 - a compiled configuration has its digest

    encoded = msgspec.msgpack.encode([data, symbols], order="deterministic")
    return hashlib.sha256(encoded).hexdigest()[:16]
