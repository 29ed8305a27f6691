"""A range of the past comes in pages: which to ask for next, and all of them as one answer. Pure."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

import msgspec

from protocol.client.questions import Question
from protocol.errors import NoData, PayloadError, error_from_code
from protocol.history import OLDEST, joined_bars
from protocol.requests import Reply, Request, raw
from protocol.windows import BarData

T = TypeVar("T")
_bars: Final = msgspec.msgpack.Decoder(BarData)
_rows: Final = msgspec.msgpack.Decoder(list[msgspec.Raw])


class Paging(Generic[T]):
    """Asks for one page after the other.

    Args:
        question: The range; its `n` counts the rows of all pages.
        is_oldest_first: Begin with the oldest page, not with the newest.
    """

    def __init__(self, question: Question[T], *, is_oldest_first: bool = False) -> None:
        self._question = question
        self._is_oldest_first = is_oldest_first
        self._replies: list[Reply] = []
        self._left = question.request.n
        self._cursor = ""
        self._is_over = False

    def next(self) -> Request | None:
        """The question for the next page; None: that was the last."""
        if self._is_over:
            return None
        request = self._question.request
        args = {**request.args, "cursor": self._cursor} if self._cursor else dict(request.args)
        if self._is_oldest_first:
            args["order"] = OLDEST
        return msgspec.structs.replace(request, args=args, n=self._left)

    def take(self, reply: Reply) -> T | None:
        """The page in a reply; None if nothing was left.

        Raises:
            HubError: the page is refused.
        """
        if not reply.ok:
            fault = error_from_code(reply.code, reply.message, reply.details)
            if not (self._replies and isinstance(fault, NoData)):
                raise fault
            self._is_over = True  # deleted meanwhile
            return None
        self._replies.append(reply)
        self._cursor = str(reply.details.get("cursor", ""))
        asked = self._question.request.n
        if asked:
            self._left -= sum(int(part["rows"]) for part in reply.details.get("parts", []))
        self._is_over = not self._cursor or (asked > 0 and self._left <= 0)
        return self._question.result(reply)

    def whole(self) -> T:
        """All pages as one result.

        Raises:
            HubError: they do not fit together.
        """
        if len(self._replies) == 1:
            return self._question.result(self._replies[0])
        pages = self._replies if self._is_oldest_first else self._replies[::-1]
        newest = pages[-1]
        try:
            data = _joined(pages) if self._question.request.kind == "bar" else _listed(pages)
        except (msgspec.DecodeError, ValueError) as fault:
            raise PayloadError(f"pages of history cannot be put together: {fault}") from fault
        details = {
            key: [item for page in pages for item in page.details.get(key, [])]
            for key in ("parts", "missing")
        }
        is_whole = not details["missing"]
        return self._question.result(
            msgspec.structs.replace(
                newest,
                data=data,
                details=details,
                asked=self._question.request.n,
                covered_from_ns=pages[0].covered_from_ns if is_whole else newest.covered_from_ns,
            )
        )


def _joined(pages: list[Reply]) -> msgspec.Raw:
    return raw(joined_bars([_bars.decode(page.data) for page in pages]))


def _listed(pages: list[Reply]) -> msgspec.Raw:
    return raw([row for page in pages for row in _rows.decode(page.data)])
