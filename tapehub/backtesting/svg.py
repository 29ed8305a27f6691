"""A small writer of SVG: shapes in, one well-formed document out. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.sax.saxutils import escape, quoteattr

STYLE: Final = """
  :root { color-scheme: light dark; }
  svg { --paper: #ffffff; --ink: #1b1f24; --faint: #d0d5db; --quiet: #57606a; --blue: #0072b2; --orange: #b35900; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #14181d; --ink: #e8ebee; --faint: #343b43; --quiet: #a0a8b1; --blue: #56b4e9; --orange: #e69f00; }
  }
  .paper { fill: var(--paper); }
  text { fill: var(--ink); font: 12px system-ui, sans-serif; }
  text.title { font-size: 16px; font-weight: 600; }
  text.quiet { fill: var(--quiet); }
  .grid { stroke: var(--faint); stroke-width: 1; fill: none; }
  .line { stroke-width: 1.5; fill: none; stroke-linejoin: round; }
  .blue { stroke: var(--blue); }
  .orange { stroke: var(--orange); }
  .ink { stroke: var(--quiet); }
  .area { fill: var(--orange); fill-opacity: 0.35; stroke: var(--orange); stroke-width: 1; }
  .buy { fill: var(--blue); stroke: var(--paper); stroke-width: 0.5; }
  .sell { fill: var(--orange); stroke: var(--paper); stroke-width: 0.5; }
"""
"""Blue and orange are told apart by those who do not see red or green; on dark paper they are lighter."""
Point = tuple[float, float]


class Drawing:
    """One picture.

    Args:
        width: In pixels.
        height: In pixels.
        title: What it shows, also for who hears it.
        description: The same in a sentence.
    """

    def __init__(self, width: int, height: int, title: str, description: str) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"',
            f' width="{width}" height="{height}" aria-labelledby="title description">',
            f'<title id="title">{_clean(title)}</title>',
            f'<desc id="description">{_clean(description)}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{width}" height="{height}"/>',
        ]

    def text(self, at: Point, words: str, *, kind: str = "", anchor: str = "start") -> None:
        """Words that begin, end or have their middle (`anchor`) at a place."""
        self._parts.append(
            f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor={quoteattr(anchor)} class={quoteattr(kind)}>'
            f"{_clean(words)}</text>"
        )

    def line(self, points: Iterable[Point], kind: str) -> None:
        """A line through points; nothing where there are none."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        if path:
            self._parts.append(f'<polyline class={quoteattr(kind)} points="{path}"/>')

    def area(self, points: Iterable[Point], kind: str) -> None:
        """What lies inside of points."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        if path:
            self._parts.append(f'<polygon class={quoteattr(kind)} points="{path}"/>')

    def triangle(self, at: Point, kind: str, *, is_up: bool, words: str) -> None:
        """A mark whose tip is at a place; `words` are shown to who points at it."""
        x, y = at
        base = y + 9 if is_up else y - 9
        self._parts.append(
            f'<polygon class={quoteattr(kind)} points="{x:.1f},{y:.1f} {x - 5:.1f},{base:.1f} {x + 5:.1f},{base:.1f}">'
            f"<title>{_clean(words)}</title></polygon>"
        )

    def document(self) -> str:
        """The whole, as text in UTF-8."""
        return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *self._parts, "</svg>", ""])


def _clean(words: str) -> str:
    """Words without what XML cannot hold."""
    return escape("".join(one for one in words if one >= " "))
