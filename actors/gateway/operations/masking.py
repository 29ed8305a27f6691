"""Blots secrets out of what is shown: those of the configuration, and whatever looks like one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from actors.runtime.hiding import is_secret, masked_url

HIDDEN: Final = "***"
MIN_LENGTH: Final = 6
"""A shorter secret of the configuration stands in too many words."""
_NAMED: Final = re.compile(
    r"(?i)\b((?:[a-z0-9]+[_-])*(?:secret|token|apikey|api_key|password|passwd|passphrase|authorization)"
    r"[\"']?\s*[=:]\s*[\"']?)(?!\s)(?:bearer\s+|basic\s+)?[^\s\"',;&}]{4,}"
)
_BEARER: Final = re.compile(r"(?i)\b(bearer\s+)[A-Za-z0-9._~+/=-]{8,}")
_LONG: Final = re.compile(r"(?<![\w./-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{32,}={0,2}(?![\w./-])")
"""A word of 32 characters and more with digits and letters, that is no path and no name with dots."""
_URL_SECRET: Final = re.compile(
    r"(://[^:/?#\s]*:)[^\s]*(@)|((?:password|passwd|sslpassword)=)[^&\s]*", re.IGNORECASE
)


class Mask:
    """Knows the secrets of a topology.

    Args:
        actors: Actor to its section.
    """

    def __init__(self, actors: Mapping[str, Any]) -> None:
        found = {value for value in _secrets(actors, ()) if len(value) >= MIN_LENGTH}
        words = sorted(found, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, words))) if words else None

    def text(self, text: str) -> str:
        """Text without a secret of the configuration, and without the passwords of URLs."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        return masked_url(text) if "://" in text else text

    def line(self, text: str) -> str:
        """As `text`, and without whatever looks like a token."""
        text = _NAMED.sub(rf"\1{HIDDEN}", self.text(text))
        return _LONG.sub(HIDDEN, _BEARER.sub(rf"\1{HIDDEN}", text))

    def value(self, value: Any) -> Any:
        """Plain data with every text in it masked, and what has the name of a secret blotted out."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                key: HIDDEN if isinstance(one, str) and one and is_secret((key,)) else self.value(one)
                for key, one in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(one) for one in value]
        return value


def shown_url(text: str) -> str:
    """A URL without its password, wherever that stands."""
    return _URL_SECRET.sub(lambda found: f"{found[1] or found[3]}{HIDDEN}{found[2] or ''}", text)


def _secrets(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _secrets(one, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _secrets(one, path)
    elif isinstance(value, str) and value:
        if is_secret(path):
            yield value
        elif "://" in value and (password := re.search(r"://[^/@:\s]*:([^@\s]+)@", value)):
            yield password[1]
