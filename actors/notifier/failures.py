"""What may become of an attempt to send. Pure."""

from __future__ import annotations


class SendFault(Exception):
    """Base; the text has no secret in it."""


class NotSent(SendFault):
    """It did not arrive, for sure, and may later: a refused connection, 429, a token that is not accepted.

    Args:
        text: Why.
        retry_after_s: How long the other side wants to be left alone; 0: it did not say.
        is_limit: It was the other side's limit.
    """

    def __init__(self, text: str, retry_after_s: float = 0.0, *, is_limit: bool = False) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s
        self.is_limit = is_limit


class Unsure(SendFault):
    """Nobody knows whether it arrived: no answer, half of one, or an error of the server's."""


class Refused(SendFault):
    """It never will: no such chat, a blocked bot, a message that is no message."""


class NotModified(Refused):
    """An edit that changes nothing: the message is there, and reads just so."""


class BadMarkup(Refused):
    """Its markup is not understood; without it it may be taken."""


class OutboxError(Exception):
    """The database cannot be used now; the text has no password in it."""
