"""What somebody may have meant by a word that nobody knows. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], n: int = 1, cutoff: float = 0.6) -> list[str]:
    """Known words that look like this one, the likest first.

    Args:
        word: As it was written.
        known: What there is.
        n: At most so many.
        cutoff: 0 takes everything, 1 only the word itself.
    """
    import difflib  # noqa: PLC0415 - only where somebody has misspelt something; most processes never load it

    return difflib.get_close_matches(word, list(known), n=n, cutoff=cutoff)
