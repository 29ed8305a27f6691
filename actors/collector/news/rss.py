"""RSS and Atom documents: bytes to items, through feedparser in a process of its own (see `entries.py`).

Blocking: it runs in a thread.
"""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

import msgspec

from actors.collector.news.item import Item, UnreadableNews
from actors.collector.news.times import in_range, ns_of
from protocol.errors import DECODE_ERRORS

_SCRIPT: Final = str(Path(__file__).with_name("entries.py"))
_ROOT: Final = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,30}:)?(?:rss|feed|rdf|channel)[\s>/]", re.IGNORECASE)
_LOOK_BYTES: Final = 65_536
"""A document whose root does not begin within so much is none."""
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<", b"\x00\x00")
"""How documents in UTF-16 and UTF-32 begin."""


class _Found(msgspec.Struct):
    entries: list[tuple[str, str, str, list[str], int]] = []
    version: str = ""


_decode: Final = msgspec.json.Decoder(_Found).decode


def parse_feed(body: bytes, content_type: str, url: str, most: int, limit_s: float) -> list[Item]:
    """Items of a document, in its order; relative links are made absolute.

    Args:
        body: The document.
        content_type: As the server said; empty if it did not.
        url: Where it came from.
        most: More items than that are left out.
        limit_s: Processor time that it may take, seconds; where the machine is busy it may last twice that and 5 s.

    Raises:
        UnreadableNews: it is no feed, or reading it took too much.
    """
    if not body.startswith(_WIDE) and not _ROOT.search(body, 0, _LOOK_BYTES):
        raise UnreadableNews("not_a_feed", f"begins {body[:60]!r}")
    command = [
        sys.executable,
        "-I",
        _SCRIPT,
        str(math.ceil(limit_s)),
        str(most),
        content_type.replace("\0", ""),
    ]
    try:
        done = subprocess.run(command, input=body, capture_output=True, timeout=2 * limit_s + 5, check=False)
    except OSError as fault:  # no memory or no process to be had
        raise UnreadableNews("parser_failed", str(fault)) from None
    except subprocess.TimeoutExpired as fault:
        raise UnreadableNews("too_costly", f"took more than {fault.timeout:g} s") from None
    if done.returncode < 0:  # ended by a limit
        raise UnreadableNews("too_costly", f"signal {-done.returncode} while reading {len(body)} bytes")
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise UnreadableNews("parser_failed", "".join(last))
    try:
        found: _Found = _decode(done.stdout)
    except DECODE_ERRORS as fault:
        raise UnreadableNews("parser_failed", str(fault)) from None
    if not found.version and not found.entries:
        raise UnreadableNews("not_a_feed", f"begins {body[:60]!r}")
    return [_item(url, *row) for row in found.entries]


def _item(base: str, news_id: str, title: str, url: str, times: list[str], seconds: int) -> Item:
    """Our own reading keeps fractions of seconds; feedparser's knows more formats."""
    published_ns = next((ns for ns in map(ns_of, times) if ns), 0) or in_range(seconds * 1_000_000_000)
    return Item(news_id, title, _absolute(base, url.strip()), published_ns)


def _absolute(base: str, url: str) -> str:
    try:
        return urljoin(base, url) if url else ""
    except ValueError:
        return url
