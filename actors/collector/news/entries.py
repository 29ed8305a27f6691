"""Reads one RSS or Atom document from stdin and writes its entries as JSON to stdout: a process of its own.

feedparser is kind to every broken feed there is, at a price: a crafted document can keep it busy for hours, and within
one regular expression no other thread of the process runs. Here it has a limit of processor time and memory, and what
breaks is this process. Run as a file, so that it needs nothing of ours and starts quickly.

Output: {"entries": [[id, title, url, [times as written], seconds since 1970 or 0], ...], "version": "rss20"}, or
{"version": ""} where the document is no feed.
"""

from __future__ import annotations

import calendar
import io
import json
import re
import resource
import sys
from typing import Any

MEMORY_BYTES = 1 << 30
REFERENCE = re.compile(rb"&#(x[0-9a-fA-F]+|[0-9]+);?", re.IGNORECASE)
TIMES = ("published", "updated", "created")


def main() -> int:
    """Arguments: processor seconds, greatest number of entries, Content-Type of the answer."""
    limit_s, most, content_type = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found = entries(sys.stdin.buffer.read(), content_type, most)
    sys.stdout.write(json.dumps(found))
    return 0


def entries(body: bytes, content_type: str, most: int) -> dict[str, Any]:
    """Entries of a document, as JSON-able data."""
    import feedparser  # noqa: PLC0415 - whoever imports this module for its constants pays nothing

    # no address: with one, ids that are no addresses would be joined to it, and a mirror would give other ids
    headers = {"content-type": content_type or "application/xml"}
    # a file object: bytes that happen to be a path would be opened
    source = io.BytesIO(REFERENCE.sub(_possible, body))
    parsed = feedparser.parse(source, response_headers=headers, sanitize_html=False)
    rows = [_row(entry) for entry in parsed.entries[:most]]
    return {"entries": rows, "version": parsed.get("version", "")}


def _possible(reference: re.Match[bytes]) -> bytes:
    """A character reference, if there is such a character: one without would end feedparser with an exception."""
    digits = reference[1].lower()
    number = -1 if len(digits) > 9 else int(digits[1:], 16) if digits.startswith(b"x") else int(digits)
    is_one = 0 < number < 0x110000 and not 0xD800 <= number < 0xE000
    return reference[0] if is_one else b"&#xFFFD;"


def _row(entry: Any) -> list[Any]:
    seconds = 0
    for name in TIMES:
        moment = entry.get(f"{name}_parsed")
        if moment is not None and not seconds:
            seconds = calendar.timegm(moment)
    times = [str(entry.get(name) or "") for name in TIMES]
    return [
        str(entry.get("id") or ""),
        str(entry.get("title") or ""),
        str(entry.get("link") or ""),
        times,
        seconds,
    ]


if __name__ == "__main__":
    sys.exit(main())
