"""The text of key files: TOML, one key in each. Pure.

    public/NAME.toml    who it is and what it may do; no secret, goes to every host
    private/NAME.key    its secret; stays where NAME runs

During a rotation a name has two keys: `next` is known and not yet in use, `previous` is still accepted.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from protocol.errors import ConfigError
from protocol.security.roles import ACTOR, ROLES, Grant

KEY_CHARACTERS: Final = 40
_KEY: Final = re.compile(r"[0-9a-zA-Z.:+=^!/*?&<>()\[\]{}@%$#-]{40}\Z")
_NAME: Final = re.compile(r"[a-z0-9._-]{1,32}\Z")
_TOPIC: Final = re.compile(r"[A-Za-z0-9._*:-]{1,128}\Z")


class PublicKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What everybody may know of a key."""

    name: str
    public: str
    """Z85, 40 characters."""
    roles: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    """Prefixes that it may subscribe to; none: all."""
    next: str = ""
    """Key that it will use after the rotation that has begun."""
    previous: str = ""
    """Key that it used before the rotation that has not ended."""
    addresses: tuple[str, ...] = ()
    """Where it listens: a program that is only given an address finds its key by it."""
    host: str = ""
    """Host of the topology that it runs on."""
    created: str = ""
    revoked: str = ""
    """When it was revoked, UTC; empty: it is not."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Every public key that is valid for this name, the one in use first."""
        return tuple(dict.fromkeys(key for key in (self.public, self.next, self.previous) if key))

    @property
    def grant(self) -> Grant:
        """What it may do."""
        return Grant(self.name, frozenset(self.roles), self.topics)


class SecretKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The secret half."""

    secret: str
    next: str = ""
    previous: str = ""

    def __repr__(self) -> str:
        return "SecretKey(***)"  # never in a traceback


def is_name(text: str) -> bool:
    """Whether a key may have this name."""
    return bool(_NAME.match(text)) and not text.startswith(".")


def is_key(text: str) -> bool:
    """Whether this can be a key: Z85 of 32 bytes."""
    return bool(_KEY.match(text))


def read_public(data: bytes, where: str) -> PublicKey:
    """A public file.

    Raises:
        ConfigError: what is wrong with it, all of it.
    """
    found: PublicKey = _decode(data, where, PublicKey)
    problems = []
    if not is_name(found.name):
        problems.append(f"{where}: name {found.name!r}: use 1 to 32 of a-z 0-9 . _ -")
    for field in ("public", "next", "previous"):
        text = getattr(found, field)
        if (text or field == "public") and not is_key(text):
            problems.append(f"{where}: {field} is not a key of {KEY_CHARACTERS} characters")
    problems += [f"{where}: {fault}" for fault in role_faults(found.roles, found.topics)]
    if problems:
        raise ConfigError(problems)
    return found


def read_secret(data: bytes, where: str) -> SecretKey:
    """A private file; no message shows what it holds.

    Raises:
        ConfigError: what is wrong with it.
    """
    found: SecretKey = _decode(data, where, SecretKey)
    texts = {"secret": found.secret, "next": found.next, "previous": found.previous}
    wrong = [field for field, text in texts.items() if (text or field == "secret") and not is_key(text)]
    if wrong:
        raise ConfigError(
            [f"{where}: {field} is not a key of {KEY_CHARACTERS} characters" for field in wrong]
        )
    return found


def role_faults(roles: tuple[str, ...], topics: tuple[str, ...]) -> list[str]:
    """What is wrong with the roles and topics of a key."""
    faults = [
        f"role {role!r} is none of {', '.join(ROLES)}"
        for role in roles
        if role not in ROLES and role != ACTOR
    ]
    faults += [
        f"topic {topic!r} is no prefix like quote.binance." for topic in topics if not _TOPIC.match(topic)
    ]
    if not roles:
        faults.append("roles is empty: it may do nothing")
    if topics and not {"subscribe", "admin"} & set(roles):
        faults.append("topics are of use with the role subscribe only")
    return faults


def public_text(key: PublicKey) -> bytes:
    """The file of a public key."""
    return _text("Public: copy it to every host. `tapehub keys` writes it.", msgspec.to_builtins(key))


def secret_text(key: SecretKey) -> bytes:
    """The file of a secret one."""
    return _text("SECRET: stays on its host, readable by its owner only.", msgspec.to_builtins(key))


def _text(head: str, fields: dict[str, Any]) -> bytes:
    # JSON's strings and lists of strings are TOML's as well
    lines = [f"# {head}", *(f"{name} = {json.dumps(value)}" for name, value in fields.items())]
    return ("\n".join(lines) + "\n").encode()


def _decode(data: bytes, where: str, kind: Any) -> Any:
    import tomllib  # noqa: PLC0415 - only where keys are in use

    try:
        return msgspec.convert(tomllib.loads(data.decode()), kind)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):  # its text could show a part of a secret
        raise ConfigError([f"{where}: not TOML; `tapehub keys list` says what else is wrong"]) from None
    except msgspec.ValidationError as fault:
        raise ConfigError([f"{where}: {fault}"]) from None
