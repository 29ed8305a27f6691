"""What every way out has in common. Pure."""

from __future__ import annotations

from typing import Protocol

from actors.notifier.item import Item, Receipt


class Sender(Protocol):
    """Sends messages to one target. Every call blocks, and is made in the target's own thread.

    Raises:
        NotSent, Unsure, Refused: see `failures`.
    """

    can_edit: bool
    """Whether a later revision changes the message of the first one."""

    def send(self, item: Item) -> Receipt:
        """Send a message, or change it where `edit_of` names one."""

    def settle(self, item: Item) -> Receipt:
        """Send a message that may have arrived already, so that it is there once."""

    def tidy(self) -> bool:
        """Take away what must not be seen any more; False if something of that kind may yet come."""

    def close(self) -> None:
        """Let go of connections."""
