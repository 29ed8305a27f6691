"""The id of a gap: `<publisher>-<epoch>-<n>`, unique for ever. Pure."""

from __future__ import annotations


def publisher_of(gap_id: str) -> str:
    """The publisher that announced a gap.

    Raises:
        ValueError: the text is not the id of a gap.
    """
    parts = gap_id.rsplit("-", 2)
    if len(parts) != 3 or not parts[0] or not parts[1].isdecimal() or not parts[2].isdecimal():
        raise ValueError(f"{gap_id!r} is not the id of a gap such as collector.binance.1-1795168800-3")
    return parts[0]
