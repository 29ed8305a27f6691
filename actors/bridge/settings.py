"""Settings of the bridge. Pure. A secret is named by its environment variable or its file, never written here."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Bytes = Annotated[int, msgspec.Meta(ge=0)]


class LoginSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who the bridge is to the NATS server: one of token, user with password, key, credentials file; or nobody."""

    token_env: str = ""
    """Environment variable with the token."""
    token_file: str = ""
    """Or a file with it; a relative path counts from the configuration."""
    user: str = ""
    """Name, for a login with a password."""
    password_env: str = ""
    """Environment variable with the password."""
    password_file: str = ""
    """Or a file with it."""
    seed_env: str = ""
    """Environment variable with the seed (`SU…`) of the user's key; needs `pip install 'tapehub[nats]'`."""
    seed_file: str = ""
    """Or a file with it."""
    creds_file: str = ""
    """Credentials file of an operator, with JWT and seed; needs `pip install 'tapehub[nats]'`."""


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Certificates; all empty: those of the system, and none of ours. Relative paths count from the configuration."""

    ca_file: str = ""
    """Who signs the servers' certificates, PEM."""
    cert_file: str = ""
    """Our own certificate, PEM, where servers ask for one."""
    key_file: str = ""
    """Its key, PEM."""


class BridgeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is mirrored into which NATS stream, and how long it is kept there."""

    topics: list[str] = msgspec.field(default_factory=lambda: ["quote.", "trade.", "bar.", "gap."])
    """Prefixes of the topics that are mirrored: `trade.binance.`, `bar.`."""
    servers: list[str] = msgspec.field(default_factory=lambda: ["nats://127.0.0.1:4222"])
    """`nats://host:port` or `tls://host:port`, tried in this order. A login does not belong in here."""
    stream: str = "TAPEHUB"
    """Name of the JetStream stream; made if it is not there. One bridge at a time writes into it."""
    subjects: str = "tapehub"
    """Subjects begin so: `tapehub.trade.binance.BTC_USDT`."""
    begins: Literal["now", "oldest"] = "now"
    """With a stream that is new: mirror what is published from now on, or all that the journals hold."""
    max_age_s: Annotated[float, msgspec.Meta(ge=0)] = 86_400.0
    """Age at which the stream drops a message, seconds; 0: never."""
    max_bytes: Bytes = 10_000_000_000
    """Size at which the stream drops its oldest messages, bytes; 0: none."""
    replicas: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    """Servers of a cluster that keep a copy."""
    storage: Literal["file", "memory"] = "file"
    """Where the server keeps the stream; cannot be changed later."""
    duplicate_window_s: Seconds = 120.0
    """For so long the server itself refuses a message of a known name; a second wall, nothing rests on it."""
    manages_stream: bool = True
    """Make and change the stream; false: somebody else does, and the bridge only writes."""
    window: Count = 5_000
    """Messages under way that the server has not confirmed; beyond it the journals wait."""
    window_bytes: Count = 8_000_000
    """Or their size, bytes."""
    position_s: Seconds = 2.0
    """How often the bridge writes into the stream how far it is, seconds."""
    ack_timeout_s: Seconds = 5.0
    """A message that is not confirmed within this: connect anew, and ask the stream how far it is, seconds."""
    connect_timeout_s: Seconds = 5.0
    """Longest time to connect to one server, and for one of its answers, seconds."""
    retry_cap_s: Seconds = 5.0
    """Longest pause before it is tried again, seconds."""
    login: LoginSettings = LoginSettings()
    """Who the bridge is to the server."""
    tls: TlsSettings = TlsSettings()
    """Certificates."""
