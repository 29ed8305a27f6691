"""Settings of a collector of IG Markets. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Positive = Annotated[float, Meta(gt=0)]


class IgSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part `ig` of the section of a `collector.ig.N` actor."""

    environment: Literal["demo", "live"] = "demo"
    """Whose REST address is used where `rest_url` names none; an API key is good for one of them only."""
    username: str = ""
    """Name to log in with; best from the environment: `${IG_USERNAME}`."""
    password: str = ""
    """Its password; best from the environment: `${IG_PASSWORD}`."""
    api_key: str = ""
    """Key of the application; best from the environment: `${IG_API_KEY}`."""
    account_id: str = ""
    """Account whose prices are streamed; empty: the one that the login opens."""
    login_version: Literal[2, 3] = 2
    """Version of the login: 2 (session tokens) or 3 (OAuth, refreshed each minute while REST is used)."""
    item: Literal["PRICE", "CHART"] = "PRICE"
    """What is subscribed to: PRICE (quotes with sizes and the state of the market) or CHART (ticks without them)."""
    divisors: dict[str, Positive] = {}
    """Epic to what its raw quote is divided by; one that is not named: by its kind, its price band, IG's hint."""
    bands: dict[str, tuple[Positive, Positive]] = {}
    """Canonical symbol to the least and greatest price that can be true; the divisor is checked against it, so the
    greatest is below ten times the least. The major pairs have theirs already."""
    max_items_per_session: Annotated[int, Meta(ge=1, le=40)] = 40
    """Items on one streaming session; IG allows 40, more open another session."""
    dead_after_s: Positive = 60.0
    """Connected in market hours without an update of any item for so long: the stream is dead, log in again, seconds."""
    closed_patience_s: Positive = 600.0
    """... and for so long where IG itself says that each of the markets is closed (a holiday), seconds."""
    login_max_age_s: Positive = 1800.0
    """A new streaming session needs a login that is no older, seconds."""
    recovery_s: Positive = 15.0
    """How long after a break a session is tried to be recovered, seconds."""

    def __repr__(self) -> str:
        return f"IgSettings(environment={self.environment!r}, account_id={self.account_id!r})"
