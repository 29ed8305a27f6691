"""Numbers for the books of one connection: Coinbase numbers neither images nor changes. Pure.

A number tells whoever keeps the book that nothing is missing in between. It is only given while that is true: after a
frame that could not be read the next change does not fit, the book is lost, and a new image is asked for.
"""

from __future__ import annotations


class BookNumbers:
    """Counts per product. A later image has a greater number than an earlier one, also over connections."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def image(self, product: str, ts_recv_ns: int) -> int:
        """Number of an image: microseconds of its arrival, or more."""
        number = max(self._last.get(product, 0) + 1, ts_recv_ns // 1_000)
        self._last[product] = number
        return number

    def change(self, product: str) -> int:
        """Number of a change that builds on the number before; without an image it builds on 0."""
        number = self._last.get(product, 0) + 1
        self._last[product] = number
        return number

    def skip(self, product: str = "") -> None:
        """Something of this product may be missing; of one without an image, or no name: of any."""
        for one in (product,) if product in self._last else self._last:
            self._last[one] += 1
