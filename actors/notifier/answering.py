"""What the hub knows, for people in chats."""

from __future__ import annotations

from collections.abc import Callable

from actors.notifier import commands
from protocol.client.hub import Hub
from protocol.errors import HubError
from protocol.security.keyring import Keyring


class HubAnswers:
    """Asks a hub; for one thread. Without a hub, or without its answer, it says so.

    Args:
        endpoint: Of the hub; empty: there is none.
        timeout_s: Patience.
        newest: How many signals to ask for.
        keyring: Our key, where the hub is on another host.
    """

    def __init__(self, endpoint: str, timeout_s: float, newest: int, keyring: Keyring | None = None) -> None:
        self._hub = Hub(endpoint, timeout_s=timeout_s, key=keyring) if endpoint else None
        self._newest = newest

    def status(self) -> str:
        """How the system is."""
        return self._asked(lambda hub: commands.status_text(hub.status()))

    def signals(self) -> str:
        """The newest signals."""
        return self._asked(lambda hub: commands.signals_text(hub.signals(self._newest)))

    def _asked(self, question: Callable[[Hub], str]) -> str:
        if self._hub is None:
            return commands.no_answer_text()
        try:
            return question(self._hub)
        except HubError:
            return commands.no_answer_text()
