"""Who we are to a NATS server: a token, a name and password, a key, or a credentials file. Pure.

A key (nkey) is an Ed25519 seed in NATS's base32; the server's nonce is signed with it, the seed never travels. Signing needs the
package `cryptography` (`pip install tapehub[nats]`). Source: docs.nats.io, NKeys and JWT; ADR-14; github.com/nats-io/nkeys.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

import msgspec

_SEED: Final = 18 << 3
_USER: Final = 20 << 3
_SEED_BYTES: Final = 36
"""Two bytes of what it is, 32 of the seed, two of the checksum."""
_BLOCK: Final = re.compile(r"-{3,}BEGIN ([A-Z ]+)-{3,}\s+(\S+)\s+-{3,}END [A-Z ]+-{3,}")


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """One way to log in; everything empty: none."""

    token: str = ""
    user: str = ""
    password: str = ""
    seed: str = ""
    """Of the user's key, `SU…`."""
    jwt: str = ""
    """What an operator says of that key."""

    def __repr__(self) -> str:
        given = [name for name in self.__struct_fields__ if getattr(self, name)]
        return f"Login({', '.join(f'{name}=***' for name in given)})"

    def fields(self, nonce: str) -> dict[str, Any]:
        """What CONNECT says of us.

        Raises:
            ValueError: the seed is none, or `cryptography` is not there; the text does not have the seed.
        """
        found: dict[str, Any] = {}
        if self.token:
            found["auth_token"] = self.token
        if self.user:
            found |= {"user": self.user, "pass": self.password}
        if self.jwt:
            found["jwt"] = self.jwt
        if self.seed:
            public, signature = sign(self.seed, nonce.encode())
            found |= {"sig": signature} if self.jwt else {"nkey": public, "sig": signature}
        return found


def parse_creds(text: str) -> Login:
    """What a credentials file holds: a JWT and a seed between their marks.

    Raises:
        ValueError: it is none; the text says nothing of what is in it.
    """
    blocks = {name.strip(): body for name, body in _BLOCK.findall(text)}
    jwt, seed = blocks.get("NATS USER JWT", ""), blocks.get("USER NKEY SEED", "")
    if not jwt or not seed:
        raise ValueError("not a NATS credentials file: no user JWT and seed in it")
    read_seed(seed)
    return Login(jwt=jwt, seed=seed)


def read_seed(seed: str) -> bytes:
    """The 32 bytes of a user's seed.

    Raises:
        ValueError: it is none.
    """
    try:
        raw = base64.b32decode(seed.strip() + "=" * (-len(seed.strip()) % 8))
    except (binascii.Error, ValueError):
        raise ValueError("not an nkey seed: it is not base32") from None
    if len(raw) != _SEED_BYTES or _crc16(raw[:-2]) != int.from_bytes(raw[-2:], "little"):
        raise ValueError("not an nkey seed: wrong length or checksum")
    if raw[0] & 0xF8 != _SEED or ((raw[0] & 7) << 5 | raw[1] >> 3) != _USER:
        raise ValueError("not the seed of a user: those begin with SU")
    return raw[2:-2]


def sign(seed: str, nonce: bytes) -> tuple[str, str]:
    """(public key, signature of the nonce), as CONNECT wants them.

    Raises:
        ValueError: see `Login.fields`.
    """
    raw = read_seed(seed)
    try:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - only who logs in with a key
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    except ImportError:
        raise ValueError(
            "a login with an nkey needs the package cryptography: pip install 'tapehub[nats]'"
        ) from None
    key = Ed25519PrivateKey.from_private_bytes(raw)
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    named = bytes([_USER]) + public
    text = base64.b32encode(named + _crc16(named).to_bytes(2, "little")).rstrip(b"=").decode()
    return text, base64.urlsafe_b64encode(key.sign(nonce)).rstrip(b"=").decode()


def _crc16(data: bytes) -> int:
    """CRC-16/XMODEM, as nkeys have it."""
    return binascii.crc_hqx(data, 0)
