"""Pushing from a program with asyncio; see `protocol.client.pushing`."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.client import questions
from protocol.client.async_asking import AsyncAsker
from protocol.client.pushing import Item, questions_of, receiver_of
from protocol.pushing import Pushed, joined


class AsyncPusher:
    """Pushes of one `AsyncHub`."""

    def __init__(self, asker: AsyncAsker) -> None:
        self._hub = asker
        self._receiver: AsyncAsker | None = None

    async def push(self, items: Item | Sequence[Item], source: str, gmt_offset_s: float | None) -> Pushed:
        """See `Hub.push`."""
        if self._receiver is None:
            question = questions.endpoints()
            found = question.result(await self._hub.ask(question.request))
            if self._receiver is None:  # another push may have found it meanwhile
                self._receiver = AsyncAsker(receiver_of(found, self._hub.patience), self._hub.keyring)
        results = []
        for first, asked in questions_of(items, source, gmt_offset_s):
            results.append((first, asked.result(await self._receiver.ask(asked.request))))
        return joined(results)

    def close(self) -> None:
        """Close the sockets."""
        if self._receiver is not None:
            self._receiver.close()
