"""Which decoder reads the recordings of which source; each is imported only where it is used.

Exchanges share one (`decode.py`); the others have one of their own, with files in formats of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from actors.collector.bars.providers.registry import PROVIDERS
from actors.collector.recorded.decode import Decoder, UnknownVenue
from actors.collector.registry import EXCHANGES
from protocol.instruments import Catalog
from protocol.messages import Message


class RecordedSummary(Protocol):
    """What a recording held."""

    def to_dict(self) -> dict[str, Any]:
        """One JSON-able document, of what has been read so far."""


class RecordingDecoder(Protocol):
    """Decodes one recording."""

    @property
    def summary(self) -> RecordedSummary:
        """Complete once all messages have been taken."""

    def messages(self, path: Path) -> Iterator[Message]:
        """Messages of a recording, in order.

        Raises:
            UnreadableRecording: says where and why.
        """


Make = Callable[[Catalog | None], RecordingDecoder]


def _databento(catalog: Catalog | None) -> RecordingDecoder:
    from actors.collector.databento.decode import DbnDecoder  # noqa: PLC0415 - numpy, and only for its files

    return DbnDecoder(catalog)


def _ig(catalog: Catalog | None) -> RecordingDecoder:
    from actors.collector.ig.recordings import IgDecoder  # noqa: PLC0415 - only for its files

    return IgDecoder(catalog)


def _fx(_catalog: Catalog | None) -> RecordingDecoder:
    from actors.collector.recorded.quotes import FxDecoder  # noqa: PLC0415 - only for its files

    return FxDecoder()


def _news(catalog: Catalog | None) -> RecordingDecoder:
    from actors.collector.news.decode import NewsDecoder  # noqa: PLC0415 - only for its files

    return NewsDecoder(catalog)


def _liquidations(catalog: Catalog | None) -> RecordingDecoder:
    from actors.collector.recorded.liquidations import LiquidationDecoder  # noqa: PLC0415 - only for its files

    return LiquidationDecoder(catalog)


def _bars(provider: str) -> Make:
    def make(catalog: Catalog | None) -> RecordingDecoder:
        from actors.collector.bars.decode import BarsDecoder  # noqa: PLC0415 - only for its files

        return BarsDecoder(provider, catalog)

    return make


_OTHERS: Final[Mapping[str, Make]] = {
    "databento": _databento,
    "ig": _ig,
    "fx": _fx,
    "news": _news,
    "liquidations": _liquidations,
    **{provider: _bars(provider) for provider in PROVIDERS},
}
NAMES: Final = (*EXCHANGES, *_OTHERS)
"""Every name that `decoder_of` takes."""
_NOT_UNDERSTOOD: Final = ("rest answer", "unknown", "unknown line", "line of no exchange")
"""Ignored, and no sign that the file is what its name says."""


def decoder_of(name: str, catalog: Catalog | None) -> RecordingDecoder:
    """A new decoder.

    Args:
        name: One of NAMES: an exchange, or databento (DBN files), ig (REST answers, lines of its stream), fx (quotes and
            candles of Lean, HistData, FXCM), news (RSS, Atom, CryptoPanic), liquidations (lines that name their exchange),
            yahoo, alphavantage, twelvedata, polygon (answers with bars).
        catalog: Canonical names; symbols that it does not map get derived ones.

    Raises:
        UnknownVenue: names those that there are.
    """
    if name in EXCHANGES:
        return Decoder(name, catalog)
    make = _OTHERS.get(name)
    if make is None:
        raise UnknownVenue(f"cannot decode venue {name!r}; there are: {', '.join(NAMES)}")
    return make(catalog)


def is_understood(summary: Mapping[str, Any]) -> bool:
    """Whether anything of a recording was what its venue says, by its summary.

    Messages are not needed for that: a definition, an answer to a login, a frame of a retired interface make none.
    """
    if summary["by_kind"] or summary.get("dbn_version") or summary.get("answer"):
        return True
    if summary.get("venue") == "news":
        return bool(summary["frames"])
    if "records" in summary:  # a fragment of DBN without its header
        unread = summary["ignored"].get("unknown", 0) + summary["rejects"].get("invalid_record", 0)
        return bool(summary["records"] > unread)
    ignored = {
        name for name in summary["ignored"] if name not in _NOT_UNDERSTOOD and not name.startswith("venue ")
    }
    return bool(ignored or set(summary.get("by_stream", ())) - {"other"})
