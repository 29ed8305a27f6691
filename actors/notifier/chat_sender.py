"""Messages to one chat of Telegram, each once, though the Bot API has no idempotency key.

A message whose answer is missing (a cut line, a timeout, a 5xx, a kill -9) may be in the chat or not, and a bot cannot read
a chat. But ids of a chat's messages only grow, and a bot can change its own messages and no others'. So:

1. A mark (`…`) is sent: its id is the end of where to look; the beginning is the highest id known before.
2. Each id in between that is not accounted for is changed into the very message. "message is not modified" or success:
   there it is. "not found" or "can't be edited": not ours.
3. Found: the mark is taken away again. Not found: the mark itself is changed into the message.

Changing is harmless however often it is repeated, and every step is in the outbox before the next one, so a kill at any
point leads back here. A request that comes through after the look shows when the next message gets its number: what is
behind the mark and not accounted for is taken away then.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from actors.notifier.failures import BadMarkup, NotModified, NotSent, Refused
from actors.notifier.item import Item, Receipt
from actors.notifier.markdown import plain
from actors.notifier.outbox import Outbox
from actors.notifier.telegram import Bot

MARK: Final = "…"
"""Needs no escape."""

log = logging.getLogger(__name__)


class Looking(NamedTuple):
    """How to look for a message in doubt."""

    look_back: int
    """At most so many ids are tried."""
    settle_s: float
    """How long to wait before."""
    sequence: Sequence[str]
    """Targets whose messages are numbered together, this one among them."""


class ChatSender:
    """See the module docstring.

    Args:
        bot: For this thread.
        outbox: Where each step is noted.
        target: Name of the chat in the outbox.
        chat: Its id.
        looking: How to look for a message in doubt.
        wait: Waits so many seconds; returns False where the process ends meanwhile.
        now_ns: Wall clock.
    """

    can_edit = True

    def __init__(
        self,
        bot: Bot,
        outbox: Outbox,
        target: str,
        chat: str,
        looking: Looking,
        wait: Callable[[float], bool],
        now_ns: Callable[[], int],
    ) -> None:
        self._bot = bot
        self._outbox = outbox
        self._target = target
        self._chat = chat
        self._look_back, self._settle_s, self._sequence = looking
        self._wait = wait
        self._now_ns = now_ns
        self._looked_for = 0
        """Message of the look under way: a failure in its middle does not begin it anew."""
        self._looked_at: set[int] = set()
        self._found = 0

    def send(self, item: Item) -> Receipt:
        """See `Sender`."""
        if item.edit_of:
            self._change(item, item.edit_of)
            return Receipt(item.edit_of)
        text = self._text(item)
        try:
            sent = self._bot.send(self._chat, text, is_markdown=not item.is_plain, is_silent=item.is_silent)
        except BadMarkup as fault:
            if item.is_plain:
                raise Refused(str(fault)) from None
            self._outbox.make_plain(item, self._now_ns())
            log.error("%s: sent without markup, a template is wrong: %s", self._target, fault)
            return self.send(item._replace(is_plain=True))
        return Receipt(sent.message_id)

    def settle(self, item: Item) -> Receipt:
        """See `Sender`."""
        if item.edit_of:
            return self.send(item)
        if not self._wait(self._settle_s):
            raise NotSent("the notifier stops")
        probe_id = item.probe_id
        if not probe_id:
            sent = self._bot.send(self._chat, MARK, is_silent=item.is_silent)
            probe_id = sent.message_id
            self._outbox.probed(item, probe_id, self._now_ns())
            if sent.chat.type == "channel":  # there a bot may change what others wrote: never try
                log.warning("%s: a message may be there twice: nobody can look in a channel", self._target)
                self._change(item, probe_id)
                return Receipt(probe_id)
        found = self._look(item, probe_id)
        if found:
            return Receipt(found, litter=(probe_id,), suspect_id=probe_id)
        self._change(item, probe_id)
        return Receipt(probe_id, suspect_id=probe_id)

    def tidy(self) -> bool:
        """See `Sender`."""
        gone = []
        for message_id in self._outbox.litter(self._target):
            with contextlib.suppress(Refused):  # somebody took it away
                self._bot.delete(self._chat, message_id)
            gone.append(message_id)
        if gone:
            self._outbox.tidied(self._target, gone)
        chat = self._outbox.chat(self._target)
        if chat.suspect_id and chat.known_id > chat.suspect_id:
            for message_id in self._unknown(chat.suspect_id, chat.known_id):
                self._take_away_ours(message_id)
            self._outbox.swept(self._target)
            return True
        return not chat.suspect_id

    def close(self) -> None:
        """See `Sender`."""
        self._bot.close()

    def _look(self, item: Item, end: int) -> int:
        """Id of the message in the chat, others that should not be there taken away; 0: it is not there."""
        if self._looked_for != item.id:
            self._looked_for, self._looked_at, self._found = item.id, set(), 0
        for message_id in self._unknown(item.low_id, end):
            if message_id in self._looked_at:
                continue  # numbers only grow: nothing comes to this one any more
            if self._found:
                self._take_away_ours(message_id)
            else:
                with contextlib.suppress(Refused):
                    self._change(item, message_id)
                    self._found = message_id
            self._looked_at.add(message_id)
        return self._found

    def _unknown(self, above: int, below: int) -> list[int]:
        """Ids between two that are not accounted for, the newest of them, ascending."""
        known = self._outbox.known_ids(self._sequence, above, below)
        lowest = max(above + 1, below - self._look_back - len(known), 1)
        return [one for one in range(lowest, below) if one not in known][-self._look_back :]

    def _take_away_ours(self, message_id: int) -> None:
        """Delete a message if it is our own: somebody else's cannot be changed."""
        with contextlib.suppress(Refused):
            with contextlib.suppress(NotModified):
                self._bot.edit(self._chat, message_id, MARK)
            self._bot.delete(self._chat, message_id)

    def _change(self, item: Item, message_id: int) -> None:
        with contextlib.suppress(NotModified):
            try:
                self._bot.edit(self._chat, message_id, self._text(item), is_markdown=not item.is_plain)
            except BadMarkup:
                if item.is_plain:
                    raise
                self._outbox.make_plain(item, self._now_ns())
                self._bot.edit(self._chat, message_id, plain(item.body), is_markdown=False)

    def _text(self, item: Item) -> str:
        return plain(item.body) if item.is_plain else item.body
