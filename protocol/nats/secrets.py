"""The login of a reader, out of the environment or files, never out of an argument that others can see.

TAPEHUB_NATS_TOKEN[_FILE]                      a token
TAPEHUB_NATS_USER, TAPEHUB_NATS_PASSWORD[_FILE]   a name and its password
TAPEHUB_NATS_SEED[_FILE]                       the seed of a user's key
TAPEHUB_NATS_CREDS                             a credentials file
TAPEHUB_NATS_CA, _CERT, _KEY                   certificates, PEM files
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from protocol.errors import InvalidRequest
from protocol.nats.dialling import TlsFiles
from protocol.nats.login import Login, parse_creds, read_seed

PREFIX: Final = "TAPEHUB_NATS_"


def login_of(environ: Mapping[str, str]) -> Login:
    """Who we are.

    Raises:
        InvalidRequest: two ways to log in, a file that cannot be read, or no seed; the text has no secret.
    """
    token, password, seed = (_secret(environ, name) for name in ("TOKEN", "PASSWORD", "SEED"))
    user, creds = environ.get(PREFIX + "USER", ""), environ.get(PREFIX + "CREDS", "")
    named = [
        name for name, value in (("TOKEN", token), ("USER", user), ("SEED", seed), ("CREDS", creds)) if value
    ]
    if len(named) > 1:
        raise InvalidRequest(
            f"{' and '.join(PREFIX + name for name in named)} are set: a server wants one of them"
        )
    try:
        if creds:
            return parse_creds(_read(PREFIX + "CREDS", creds))
        if seed:
            read_seed(seed)
    except ValueError as fault:
        raise InvalidRequest(f"{PREFIX}{'CREDS' if creds else 'SEED'}: {fault}") from None
    return Login(token=token, user=user, password=password, seed=seed)


def tls_of(environ: Mapping[str, str]) -> TlsFiles:
    """Certificates."""
    ca, cert, key = (environ.get(PREFIX + name, "") for name in ("CA", "CERT", "KEY"))
    return TlsFiles(ca_file=ca, cert_file=cert, key_file=key)


def _secret(environ: Mapping[str, str], name: str) -> str:
    file = environ.get(f"{PREFIX}{name}_FILE", "")
    return environ.get(PREFIX + name, "") or (_read(f"{PREFIX}{name}_FILE", file).strip() if file else "")


def _read(name: str, file: str) -> str:
    try:
        return Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "not text"
        raise InvalidRequest(f"{name}: cannot read {file}: {reason}") from None
