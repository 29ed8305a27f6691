"""Settings of a collector of news. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Hour = Annotated[int, msgspec.Meta(ge=0, le=23)]

CRYPTOPANIC: Final = "cryptopanic"
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}\Z")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_good = False
    if not is_good:
        raise ValueError("url does not begin with http:// or https:// and a host")


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One RSS or Atom feed."""

    url: str
    """Where it is: http:// or https://. It must not hold a secret: it is shown to people."""
    day_s: NotNegative = 0.0
    """Seconds between two looks by day; 0: as for all sources."""
    night_s: NotNegative = 0.0
    """... and by night; 0: as for all sources."""

    def __post_init__(self) -> None:
        """Refuse what is no web address."""
        _check_url(self.url)


class CryptopanicSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The news aggregator CryptoPanic; without a token it is not asked."""

    token: str = ""
    """Its API token; empty: the source is off. A secret: write `${CRYPTOPANIC_TOKEN:-}`."""
    url: str = "https://cryptopanic.com/api/developer/v2/posts/"
    """Posts of its API; the paid plans have their own name in place of `developer`."""
    currencies: list[str] = []
    """Only posts about these assets (BTC, ETH); empty: all posts."""
    kind: str = "news"
    """news, media or all."""
    filter: str = ""
    """rising, hot, bullish, bearish, important, saved or lol; empty: none."""
    day_s: NotNegative = 0.0
    """Seconds between two looks by day; 0: as for all sources."""
    night_s: NotNegative = 0.0
    """... and by night; 0: as for all sources."""

    def __post_init__(self) -> None:
        """Refuse what is no web address."""
        _check_url(self.url)


class NewsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part `news` of the section of a `collector.news.N` actor."""

    sources: dict[str, SourceSettings] = {}
    """Name (lower case, it is in the topic `news.<name>`) to its RSS or Atom feed."""
    cryptopanic: CryptopanicSettings = CryptopanicSettings()
    """The source `cryptopanic`."""
    day_s: Positive = 30.0
    """Seconds between two looks at a source by day."""
    night_s: Positive = 90.0
    """Seconds between two looks at a source by night."""
    day_begins_utc: Hour = 6
    """Hour (UTC) at which the day begins; the same as `day_ends_utc`: it is always day."""
    day_ends_utc: Hour = 22
    """Hour (UTC) at which the night begins."""
    retry_s: Positive = 30.0
    """Longest first pause after a failure, seconds, where the interval is not longer; it doubles with each failure."""
    retry_cap_s: Positive = 900.0
    """Longest pause after a failure that the source did not ask for, seconds."""
    refused_s: Positive = 3600.0
    """A source that says 401, 403, 404 or 410 is off for so long, then asked once more, seconds."""
    max_age_s: Positive = 86_400.0
    """At the first look at a source after a start, older headlines than this are not published, seconds."""
    max_items: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200
    """Headlines of one look at one source; of more, the first ones in the document are taken."""
    max_body_bytes: Annotated[int, msgspec.Meta(ge=1024, le=64 * 1024 * 1024)] = 4 * 1024 * 1024
    """A longer answer (after gzip) is refused, bytes."""
    max_title_chars: Annotated[int, msgspec.Meta(ge=20, le=4000)] = 500
    """A longer headline is cut, characters."""
    parse_timeout_s: Annotated[float, msgspec.Meta(ge=1, le=120)] = 10.0
    """Processor time that reading one answer may take; then it is refused, seconds."""
    remembered: Annotated[int, msgspec.Meta(ge=100, le=100_000)] = 500
    """Ids of headlines remembered per source, so that none is published twice; never fewer than its document holds."""
    same_across_sources: bool = False
    """Publish a story once although several sources have it: the same address (without tracking marks) or headline."""

    def __post_init__(self) -> None:
        """Refuse names that cannot be in a topic."""
        for name in self.sources:
            if not _NAME.match(name):
                raise ValueError(f"source {name!r} is not a name like coindesk: a-z, then a-z 0-9 _ -")
            if name == CRYPTOPANIC:
                raise ValueError("source 'cryptopanic' is the API's: give an RSS feed another name")
