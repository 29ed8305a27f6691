"""Settings of the notifier. Pure. A secret is named by its environment variable or its file, never written here."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Severity = Literal["info", "warning", "critical"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Patience = Annotated[float, msgspec.Meta(gt=0, le=120)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
ClockTime = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
HttpUrl = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/?#@]+([/?#]\S*)?$")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class TelegramSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One bot and its chats. The bot belongs to this notifier alone: no other program may send with its token."""

    token_env: str = ""
    """Environment variable with the bot's token."""
    token_file: str = ""
    """File with the token, instead; a relative path counts from the configuration's folder."""
    api_url: HttpUrl = "https://api.telegram.org"
    """Where the Bot API is."""
    chats: list[int | str] = []
    """Who is told: ids of chats (groups have negative ones), or `@name` of a channel."""
    allow_chats: list[int] = []
    """Ids of chats whose commands are obeyed; nobody else gets an answer. None: commands are not even asked for."""
    timeout_s: Patience = 15.0
    """Patience for one request, seconds."""
    poll_s: Annotated[float, msgspec.Meta(ge=0, le=50)] = 25.0
    """How long Telegram may hold a question for commands, seconds."""
    look_back: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    """Where nobody knows whether a message arrived: at most so many of the chat's newest messages are tried for it."""
    settle_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 2.0
    """... after this pause, so that a request that is still on its way has come through, seconds."""
    per_chat_per_s: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 1.0
    """Most requests for one chat a second."""
    per_group_per_min: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 20
    """Most requests for one group or channel a minute."""
    per_bot_per_s: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 30
    """Most requests a second in all."""


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A POST of JSON for each message, with an `Idempotency-Key`."""

    url: HttpUrl | None = None
    """Where to."""
    url_env: str = ""
    """Environment variable with the address, instead: those of Slack, Discord and the like are secrets."""
    secret_env: str = ""
    """Environment variable with the key of the signature; none: not signed."""
    secret_file: str = ""
    """File with that key, instead."""
    headers: dict[str, str] = {}
    """Further headers; no secrets, they are shown with the configuration."""
    header_env: dict[str, str] = {}
    """Header to the environment variable with its value, for `Authorization` and the like."""
    timeout_s: Patience = 10.0
    """Patience for one request, seconds."""


class EmailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mail for each message."""

    host: str
    """SMTP server."""
    sender: str
    """From."""
    recipients: Annotated[list[str], msgspec.Meta(min_length=1)]
    """To."""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 587
    """Its port."""
    username: str = ""
    """Who logs in; empty: nobody."""
    password_env: str = ""
    """Environment variable with the password."""
    password_file: str = ""
    """File with the password, instead."""
    starttls: bool = True
    """Encrypt, and refuse to go on without. Off only for a server on this machine."""
    timeout_s: Patience = 20.0
    """Patience for each step, seconds."""


class ConsoleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of text for each message, on standard output: `tapehub logs notifier`."""

    prefix: str = ""
    """Written before each line."""


class QuietHours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hours in which most messages are not sent."""

    start: ClockTime = msgspec.field(name="from")
    """UTC, `22:00`."""
    end: ClockTime = msgspec.field(name="to")
    """UTC, not included; before `from`: of the next day."""
    days: list[Day] = []
    """Days on which they begin; none named: every day."""
    severities: list[Severity] = msgspec.field(default_factory=lambda: ["critical"])
    """What is sent all the same."""
    action: Literal["drop", "silent"] = "drop"
    """What becomes of the others: not sent at all, or (Telegram) sent without a sound."""


class ChannelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way out: exactly one of `telegram`, `webhook`, `email`, `console`."""

    telegram: TelegramSettings | None = None
    """A bot."""
    webhook: WebhookSettings | None = None
    """An HTTP address."""
    email: EmailSettings | None = None
    """Mail."""
    console: ConsoleSettings | None = None
    """Standard output."""
    delivery: Literal["at_least_once", "at_most_once"] = "at_least_once"
    """Where nobody knows whether a message arrived: find out or send it again, or leave it and say so."""
    max_age_s: Seconds = 3600.0
    """A message older than this is not sent any more: it is marked expired, and counted, seconds."""
    dedup_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """An equal message (kind, rule, venue, symbol, side) within this time of the one before is not sent, seconds."""
    quiet_hours: list[QuietHours] = []
    """Hours of rest."""
    templates: dict[Literal["signal", "alert", "operator", "subject"], str] = {}
    """Text of each kind in place of the default one; `subject` is that of mails. See docs/howto/telegram.md."""
    backoff_base_s: Seconds = 1.0
    """Longest first pause after a failed attempt, seconds; it doubles with each failure."""
    backoff_cap_s: Seconds = 60.0
    """Longest pause after a failed attempt, seconds."""

    def __post_init__(self) -> None:
        ways = [
            name for name in ("telegram", "webhook", "email", "console") if getattr(self, name) is not None
        ]
        if len(ways) != 1:
            found = " and ".join(ways) or "none"
            raise ValueError(f"a channel is exactly one of telegram, webhook, email, console (got {found})")


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes where. Every route that fits counts; a channel gets a message once all the same."""

    channels: Annotated[list[str], msgspec.Meta(min_length=1)]
    """Names of `channels`."""
    kinds: list[Literal["signal", "alert", "operator"]] = msgspec.field(
        default_factory=lambda: ["signal", "alert", "operator"]
    )
    """Kinds of messages."""
    rules: list[str] = msgspec.field(default_factory=lambda: ["*"])
    """Patterns of strategies, of detectors' rules, and of operators' alerts: `actor_down`, `venue_down`, `disk_low`, `fatal`."""
    symbols: list[str] = msgspec.field(default_factory=lambda: ["*"])
    """Patterns of symbols; of an operator's alert: of the actor, the venue or the folder."""
    severity: Severity = "info"
    """The least."""
    confidence: Share = 0.0
    """The least of a signal."""
    score: Share = 0.0
    """The least of a signal, the shield's."""
    states: list[Literal["open", "vetoed", "target", "stopped", "expired", "cancelled"]] = msgspec.field(
        default_factory=lambda: ["open"]
    )
    """States in which a signal begins a message; where one was begun, its later states follow."""


class OperatorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When those who run the system are told."""

    down_after_s: Seconds = 15.0
    """An actor without a heartbeat for so long is down, seconds."""
    venue_after_s: Seconds = 30.0
    """A venue whose feeds are all disconnected for so long is down, seconds."""
    disk_free_bytes: Annotated[int, msgspec.Meta(ge=0)] = 2_000_000_000
    """The run directory's disk is low below this; 0: not looked at. Where a journal server runs, its own alerts tell it."""
    look_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 10.0
    """Seconds between two questions to supervisord who is FATAL; 0: it is not asked."""


class NotifierSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section of a `notifier.N` actor."""

    channels: dict[Name, ChannelSettings] = {}
    """Name to a way out."""
    routes: list[Route] = []
    """What goes where; without one nothing is sent."""
    operators: OperatorSettings = OperatorSettings()
    """Alerts about the system itself."""
    sources: list[str] = msgspec.field(default_factory=lambda: ["scanner", "detector", "journal", "guardian"])
    """Kinds of actors whose signals and alerts are heard; none named: every actor's."""
    database: str = ""
    """URL of the outbox: `sqlite:///file`, `postgresql://user@host/name`; a password is better left to PGPASSWORD or
    ~/.pgpass. Empty: `<run_dir>/db/notifier.db`."""
    synchronous: Literal["normal", "full"] = "full"
    """SQLite: `normal` may send the last messages again after a power cut, `full` not. A killed process never does."""
    retry_cap_s: Seconds = 5.0
    """Longest pause before a database that failed is tried again, seconds."""
    keep_days: Annotated[float, msgspec.Meta(ge=1)] = 30.0
    """Days after which what is done with is deleted from the outbox."""
    hub_timeout_s: Patience = 3.0
    """Patience with the hub for an answer to a command, seconds."""

    def __post_init__(self) -> None:
        unknown = {name for route in self.routes for name in route.channels} - set(self.channels)
        if unknown:
            known = ", ".join(self.channels) or "none"
            raise ValueError(f"routes name no such channel: {', '.join(sorted(unknown))}; there are: {known}")
