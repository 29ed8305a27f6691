"""Secrets: out of the environment or a file, never out of the configuration itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from protocol.errors import ConfigError


def secret(
    where: str, env: str, file: str, folder: Path, environ: Mapping[str, str], *, is_needed: bool
) -> str:
    """A secret; empty if it is not needed and none is named.

    Args:
        where: Key of the configuration, for errors: `channels.desk.telegram.token`.
        env: Name of an environment variable.
        file: Name of a file; a relative path counts from `folder`.
        folder: Of the configuration.
        environ: The environment.
        is_needed: Whether there must be one.

    Raises:
        ConfigError: it is named twice, not there, or empty. The text does not have it.
    """
    if env and file:
        raise ConfigError([f"{where}_env and {where}_file are both set: name one of them"])
    if env:
        found = environ.get(env, "").strip()
        if not found:
            raise ConfigError([f"{where}_env: the environment has no {env}: export it, or put it into .env"])
        return _printable(f"{where}_env: {env}", found)
    if file:
        path = folder / Path(file).expanduser()
        try:
            found = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as fault:
            reason = fault.strerror if isinstance(fault, OSError) else "not text"
            raise ConfigError([f"{where}_file: cannot read {path}: {reason}"]) from None
        if not found:
            raise ConfigError([f"{where}_file: {path} is empty"])
        return _printable(f"{where}_file: {path}", found)
    if is_needed:
        raise ConfigError(
            [f"{where}_env or {where}_file is missing: name the environment variable or the file"]
        )
    return ""


def _printable(where: str, found: str) -> str:
    if not (found.isascii() and found.isprintable()):
        raise ConfigError([f"{where}: holds a character that no secret has"])
    return found
