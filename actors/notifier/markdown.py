"""Telegram's MarkdownV2: what must be escaped, and what is left without markup. Pure."""

from __future__ import annotations

import re
from typing import Final

SPECIAL: Final = "_*[]()~`>#+-=|{}.!"
"""The 18 characters that mean something; a backslash before one (or before itself) takes the meaning away."""
LONGEST: Final = 4096
"""Characters of a message, counted without markup as UTF-16 units."""

_TO_ESCAPE: Final = re.compile(rf"([{re.escape(SPECIAL)}\\])")
_ESCAPED: Final = re.compile(r"\\([\x01-\x7e])")
_MARKUP: Final = re.compile(r"(?<!\\)[*_~`|]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def escape(text: str) -> str:
    """Text that reads as it is, wherever it stands in a MarkdownV2 message."""
    return _TO_ESCAPE.sub(r"\\\1", cleaned(text))


def unescape(text: str) -> str:
    """Escaped text as it reads."""
    return _ESCAPED.sub(r"\1", text)


def plain(text: str) -> str:
    """A message without its markup: what is sent where Telegram refuses the markup."""
    return unescape(_MARKUP.sub("", text))


def cleaned(text: str) -> str:
    """Text without control characters and halves of characters, which no server takes."""
    return _CONTROL.sub("", text)


def length_of(text: str) -> int:
    """Characters of a text as Telegram counts them."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def shortened(text: str, longest: int) -> str:
    """Text of at most so many characters; what is cut ends with an ellipsis."""
    if length_of(text) <= longest:
        return text
    cut = text[: max(0, longest - 1)]
    while length_of(cut) > longest - 1:
        cut = cut[:-1]
    return cut + "…"
