"""What a person asks for when naming topics: prefixes, exact names, wildcards. Pure.

    trade              all trades                 trade.binance        those of one venue
    trade.binance.*    the same, as NATS people type it; so is `trade.>`
    *.binance.BTC_USDT$        every kind of exactly this symbol (without `$` also BTC_USDT.PERP)

ZeroMQ knows prefixes only: whatever stands before the first wildcard is asked from the publisher, the rest
is matched here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from protocol.topics import END, MAX_TOPIC_BYTES


class TopicPattern:
    """One such name.

    Raises:
        ValueError: longer than any topic, or not ASCII.
    """

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        if not self.text.isascii() or len(self.text) > MAX_TOPIC_BYTES:
            raise ValueError(f"topic {text!r} must be at most {MAX_TOPIC_BYTES} ASCII characters")
        is_exact = self.text.endswith("$")
        name = self.text.removesuffix("$") if is_exact else self.text.rstrip("*>")
        fixed, wildcard, _ = name.partition("*")
        self.prefix = fixed.encode() + (END if is_exact and not wildcard else b"")
        """What to subscribe to."""
        self._regex: re.Pattern[str] | None = None
        if wildcard:
            body = ".*".join(re.escape(part) for part in name.split("*"))
            self._regex = re.compile(body + (r"\Z" if is_exact else ""))
        self._fixed = fixed
        self._exact = name if is_exact and not wildcard else ""

    def matches(self, topic: str) -> bool:
        """Whether this topic was meant."""
        if self._regex is not None:
            return self._regex.match(topic) is not None
        if self._exact:
            return topic == self._exact
        return topic.startswith(self._fixed)

    @property
    def kind(self) -> str:
        """The only kind it can match, empty if it may match several."""
        kind, dot, _ = self._fixed.partition(".")
        return kind if dot or self._exact or (self._fixed and self._regex is None) else ""


class TopicPatterns:
    """Several of them: a topic is wanted if any matches; none given means everything."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._patterns = [TopicPattern(text) for text in texts] or [TopicPattern("")]
        self.prefixes = list(dict.fromkeys(pattern.prefix for pattern in self._patterns))
        self._seen: dict[str, bool] = {}

    def matches(self, topic: str) -> bool:
        """Whether this topic was meant; remembered, since topics repeat."""
        found = self._seen.get(topic)
        if found is None:
            if len(self._seen) > 100_000:
                self._seen.clear()
            found = self._seen[topic] = any(pattern.matches(topic) for pattern in self._patterns)
        return found

    @property
    def only_kind(self) -> str:
        """The one kind that all of them name, empty if they may bring several."""
        kinds = {pattern.kind for pattern in self._patterns}
        return kinds.pop() if len(kinds) == 1 else ""

    def __str__(self) -> str:
        return " ".join(pattern.text or "*" for pattern in self._patterns)
