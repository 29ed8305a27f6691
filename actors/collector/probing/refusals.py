"""What an HTTP status of a venue means to somebody who wants its data, and what to do about it. Pure."""

from __future__ import annotations

from typing import Final

_LATER: Final = "try again later; the venue's status page says more"
_MEANINGS: Final = {
    400: ("the venue does not understand the request", "is the symbol's name right in symbols.yaml?"),
    401: ("the credentials are not accepted", "correct the key or token in the environment"),
    403: (
        "refused for this address: a geographic block, or its firewall has banned it",
        "run it from another country or address; docs/venues.md names other hosts of the venue",
    ),
    404: ("nothing is served at this path", "compare ws_url and rest_url with docs/venues.md"),
    418: ("banned for asking on after a rate limit", "stop everything that asks from this address, and wait"),
    429: ("rate limit: too many requests or connections from this address", "wait, and run fewer collectors"),
    451: (
        "not available from this country (a geographic block)",
        "run it where the venue serves you; docs/venues.md names other hosts of the venue",
    ),
}


def meaning(status: int, retry_after_s: float | None = None) -> tuple[str, str]:
    """A status in words, and what to do.

    Args:
        status: Of an answer that is not what was asked for.
        retry_after_s: The venue's wish, if it has one.
    """
    if status >= 500:
        what, fix = "the venue itself has trouble", _LATER
    else:
        what, fix = _MEANINGS.get(status, ("not the answer that was asked for", _LATER))
    if retry_after_s:
        fix = f"{fix}; it asks to wait {retry_after_s:.0f} s"
    return f"HTTP {status}: {what}", fix
