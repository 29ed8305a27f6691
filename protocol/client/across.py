"""Questions about one symbol at all its venues: the best bid and offer, and the books as one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.msgpack import Decoder

from protocol.across import ALL_VENUES, Consolidated, ConsolidatedDepth
from protocol.client.questions import Question, fields_of, origin_of
from protocol.client.results import Bbo, Bbos, ConsolidatedBook
from protocol.errors import error_from_code
from protocol.requests import Reply, Request

_consolidated: Final = Decoder(Consolidated).decode
_depth: Final = Decoder(ConsolidatedDepth).decode
_replies: Final = Decoder(list[Reply]).decode


def depth(symbol: str, depth: int = 10) -> Question[ConsolidatedBook]:
    """The order books of all venues as one, at most `depth` levels a side (0: all)."""
    return Question(Request(op="book", symbol=symbol, venue=ALL_VENUES, depth=depth), _make_depth)


def _make_depth(reply: Reply) -> ConsolidatedBook:
    return ConsolidatedBook(**fields_of(_depth(reply.data)), **origin_of(reply))


def bbo(symbol: str) -> Question[Bbo]:
    """The best bid and offer over all venues."""
    return Question(Request(op="bbo", symbol=symbol), _make_bbo)


def _make_bbo(reply: Reply) -> Bbo:
    return Bbo(**fields_of(_consolidated(reply.data)), **origin_of(reply))


def bbos(symbols: Sequence[str]) -> Question[Bbos]:
    """The best bid and offer of many symbols in one round trip; refusals are in `errors`."""
    names = list(symbols)

    def build(reply: Reply) -> Bbos:
        found = Bbos()
        for name, part in zip(names, _replies(reply.data), strict=True):
            if part.ok:
                found[name] = _make_bbo(part)
            else:
                found.errors[name] = error_from_code(part.code, part.message, part.details)
        return found

    queries = [{"op": "bbo", "symbol": name} for name in names]
    return Question(Request(op="snapshot", queries=queries), build)
