"""A line on standard output for each message."""

from __future__ import annotations

import os
import sys

from actors.notifier.failures import NotSent
from actors.notifier.item import Item, Receipt
from actors.notifier.markdown import cleaned
from actors.notifier.settings import ConsoleSettings


class ConsoleSender:
    """One write for each message, so that lines of several never mix.

    Args:
        settings: Of the channel.
    """

    can_edit = False

    def __init__(self, settings: ConsoleSettings) -> None:
        self._prefix = settings.prefix

    def send(self, item: Item) -> Receipt:
        """See `Sender`."""
        text = cleaned(item.body).replace("\n", " | ")
        line = f"{self._prefix}{text}\n".encode("utf-8", "replace")
        try:
            os.write(sys.stdout.fileno(), line)
        except OSError as fault:
            raise NotSent(f"standard output: {fault.strerror}") from None
        return Receipt()

    def settle(self, item: Item) -> Receipt:
        """See `Sender`."""
        return self.send(item)

    def tidy(self) -> bool:
        """See `Sender`: nothing to do."""
        return True

    def close(self) -> None:
        """See `Sender`: nothing to do."""
