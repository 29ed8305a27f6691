"""What of the bridge's settings can only be judged together with the machine: addresses, names, secrets, files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from actors.bridge.settings import BridgeSettings, LoginSettings, TlsSettings
from protocol.errors import ConfigError
from protocol.messages import KINDS
from protocol.nats.dialling import TlsFiles
from protocol.nats.login import Login, parse_creds, read_seed
from protocol.nats.mirror import is_subject
from protocol.nats.servers import Server, parse_server

_STREAM: Final = re.compile(r"[A-Za-z0-9_-]{1,255}\Z")
_PREFIX: Final = re.compile(r"[a-z][a-z0-9]*\.[^\s*>\x00]*\Z")
_NOT_RECORDS: Final = "beat"


class Place(NamedTuple):
    """Where secrets are looked for."""

    folder: Path
    """Of the configuration."""
    environ: Mapping[str, str]


class Checked(NamedTuple):
    """What the bridge needs to connect."""

    servers: list[Server]
    login: Login
    tls: TlsFiles


def check(where: str, settings: BridgeSettings, folder: Path, environ: Mapping[str, str]) -> Checked:
    """Judge one section.

    Args:
        where: Key of the section, for errors: `actors.bridge.1`.
        settings: The section.
        folder: Of the configuration.
        environ: The environment.

    Raises:
        ConfigError: names every mistake; no secret is in its text.
    """
    problems: list[str] = []
    servers: list[Server] = []
    for number, text in enumerate(settings.servers):
        try:
            servers.append(parse_server(text))
        except ValueError as fault:
            problems.append(f"{where}.servers[{number}]: {fault}")
    if not settings.servers:
        problems.append(f"{where}.servers: name at least one NATS server")
    problems += _names(where, settings)
    login = _login(f"{where}.login", settings.login, Place(folder, environ), problems)
    tls = _tls(f"{where}.tls", settings.tls, folder, problems)
    if problems:
        raise ConfigError(problems)
    return Checked(servers, login, tls)


def _names(where: str, settings: BridgeSettings) -> list[str]:
    problems = []
    if not _STREAM.match(settings.stream):
        problems.append(f"{where}.stream: {settings.stream!r}: use letters, digits, _ and -")
    if not is_subject(settings.subjects) or settings.subjects.startswith("$"):
        problems.append(f"{where}.subjects: {settings.subjects!r} is no NATS subject without wildcards")
    if not settings.topics:
        problems.append(f"{where}.topics: name at least one prefix, `trade.` for example")
    kinds = [kind for kind in KINDS if kind != _NOT_RECORDS]
    for number, topic in enumerate(settings.topics):
        if not _PREFIX.match(topic):
            problems.append(f"{where}.topics[{number}]: {topic!r} is no prefix like trade. or trade.binance.")
        elif topic.partition(".")[0] not in kinds:
            problems.append(
                f"{where}.topics[{number}]: no kind {topic.partition('.')[0]!r}; there is {', '.join(kinds)}"
            )
    return problems


def _login(where: str, wanted: LoginSettings, place: Place, problems: list[str]) -> Login:
    """Who we are; a mistake becomes a problem and nobody."""
    ways = {
        "token": wanted.token_env or wanted.token_file,
        "user": wanted.user or wanted.password_env or wanted.password_file,
        "seed": wanted.seed_env or wanted.seed_file,
        "creds_file": wanted.creds_file,
    }
    named = [name for name, value in ways.items() if value]
    if len(named) > 1:
        problems.append(f"{where}: {' and '.join(named)} are set: a server wants one of them")
        return Login()
    try:
        token = secret(f"{where}.token", wanted.token_env, wanted.token_file, place)
        password = secret(f"{where}.password", wanted.password_env, wanted.password_file, place)
        seed = secret(f"{where}.seed", wanted.seed_env, wanted.seed_file, place)
        creds = read_text(f"{where}.creds_file", wanted.creds_file, place.folder)
    except ConfigError as error:
        problems += error.problems
        return Login()
    if bool(wanted.user) != bool(password):
        problems.append(f"{where}: user goes with password_env or password_file, and neither alone")
    try:
        if creds:
            return parse_creds(creds)
        if seed:
            read_seed(seed)
    except ValueError as fault:
        problems.append(f"{where}.{'creds_file' if creds else 'seed'}: {fault}")
    return Login(token=token, user=wanted.user, password=password, seed=seed)


def _tls(where: str, wanted: TlsSettings, folder: Path, problems: list[str]) -> TlsFiles:
    """Certificates, with absolute paths; what cannot be used becomes a problem."""
    if wanted.key_file and not wanted.cert_file:
        problems.append(f"{where}.key_file: of which certificate? set cert_file")
        return TlsFiles()
    paths = {name: getattr(wanted, name) for name in ("ca_file", "cert_file", "key_file")}
    files = TlsFiles(**{name: str(folder / Path(path).expanduser()) for name, path in paths.items() if path})
    missing = [
        path for path in (files.ca_file, files.cert_file, files.key_file) if path and not Path(path).is_file()
    ]
    problems += [f"{where}: there is no file {path}" for path in missing]
    try:
        if files != TlsFiles() and not missing:
            files.context()
    except OSError as fault:  # ssl.SSLError is one
        problems.append(f"{where}: not a certificate and its key, PEM: {fault.strerror or fault}")
    return files


def secret(where: str, env: str, file: str, place: Place) -> str:
    """A secret out of the environment or a file; empty if none is named.

    Raises:
        ConfigError: it is named twice, not there, or empty. The text does not have it.
    """
    if env and file:
        raise ConfigError([f"{where}_env and {where}_file are both set: name one of them"])
    if env:
        found = place.environ.get(env, "").strip()
        if not found:
            raise ConfigError([f"{where}_env: the environment has no {env}: export it, or put it into .env"])
    else:
        found = read_text(f"{where}_file", file, place.folder).strip()
    if not (found.isascii() and (found.isprintable() or not found)):
        raise ConfigError([f"{where}: holds a character that no secret has"])
    return found


def read_text(where: str, file: str, folder: Path) -> str:
    """What a file holds; empty if none is named.

    Raises:
        ConfigError: it cannot be read, or is empty.
    """
    if not file:
        return ""
    path = folder / Path(file).expanduser()
    try:
        found = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "not text"
        raise ConfigError([f"{where}: cannot read {path}: {reason}"]) from None
    if not found.strip():
        raise ConfigError([f"{where}: {path} is empty"])
    return found
