"""Titles and addresses of strangers, made fit for a terminal, a web page and a database. Pure."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

MAX_URL_CHARS: Final = 2048
MAX_ID_CHARS: Final = 256
_LONGEST_RAW: Final = 20_000
"""Of a longer text only the beginning is looked at."""
_HIDDEN: Final = re.compile(r"<(script|style)\b[^<>]*>[^<]*(?:</\1\s*>)?", re.IGNORECASE)
_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG: Final = re.compile(r"</?[A-Za-z!?][^<>]*(?:>|\Z)")
_SPACE: Final = re.compile(r"\s+")
_WORD: Final = re.compile(r"[^\W_]+")
_TRACKING: Final = re.compile(
    r"utm_|fbclid\Z|gclid\Z|mc_|ref\Z|ref_|cmpid\Z|ncid\Z|guccounter\Z|_ga\Z", re.IGNORECASE
)


def clean_title(text: str, max_chars: int) -> str:
    """Plain text of a headline on one line: tags out, entities decoded, nothing that steers a terminal.

    Args:
        text: As the source wrote it, maybe HTML, maybe escaped twice.
        max_chars: A longer one is cut and ends with an ellipsis.
    """
    text = text[:_LONGEST_RAW]
    for _ in range(2):  # `&lt;b&gt;` is a tag as well: many feeds escape the HTML of their titles
        text = html.unescape(_without_tags(text))
    text = _without_tags(text)
    # controls, invisible format characters (direction overrides among them), surrogates, private use
    shown = "".join(
        " " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char
        for char in text
        if unicodedata.category(char) not in ("Cf", "Cs", "Co", "Cn")
    )
    shown = _SPACE.sub(" ", shown).strip()
    return shown if len(shown) <= max_chars else shown[: max_chars - 1].rstrip() + "\u2026"


def _without_tags(text: str) -> str:
    return _TAG.sub(" ", _HIDDEN.sub(" ", _COMMENT.sub(" ", text)))


def clean_url(text: str) -> str:
    """An http or https address without spaces and controls; empty for anything else (javascript:, data:)."""
    text = text.strip()
    if not text or len(text) > MAX_URL_CHARS or not text.isprintable() or any(c in text for c in " <>\"'`\\"):
        return ""
    try:
        parts = urlsplit(text)
        is_good = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and "@" not in parts.netloc
        )
    except ValueError:
        return ""
    return parts.scheme + text[len(parts.scheme) :] if is_good else ""  # `hTTps` is meant as https


def clean_id(news_id: str, url: str, title: str) -> str:
    """An id without spaces, at most 256 characters: the source's own, else its address, else from its headline."""
    for text in (news_id.strip(), url):
        if text and len(text) <= MAX_ID_CHARS and text.isprintable() and " " not in text:
            return text
    return hashlib.sha256(f"{news_id}\n{url}\n{title}".encode("utf-8", "replace")).hexdigest()[:32]


def same_url(url: str) -> str:
    """An address for comparing: host in lower case without `www.`, no tracking marks, no fragment, no last slash."""
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query) if not _TRACKING.match(key)]
    host = parts.netloc.lower().removeprefix("www.")
    return urlunsplit(("", host, parts.path.rstrip("/"), urlencode(sorted(query)), "")).removeprefix("//")


def same_title(title: str) -> str:
    """A headline for comparing: its words in lower case; empty if it has fewer than four, which prove nothing."""
    words = _WORD.findall(unicodedata.normalize("NFKC", title).casefold())
    return " ".join(words) if len(words) >= 4 else ""
