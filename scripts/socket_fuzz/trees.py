"""Messages made wrong as values: a msgpack document whose parts have another type, size, count or order. Pure.

What arrives still reads as msgpack, so it gets behind the first decoder; bytes are made wrong by `scripts.mutations`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any, Final

import msgspec

ODD_NUMBERS: Final = (
    0, -1, 1, 2, 255, 2**15, 2**31 - 1, 2**31, 2**32, 2**53, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1, -(2**31),
    -(2**63), -(2**63) + 1, 10**18, 4_102_444_800 * 10**9, 9_999_999_999 * 10**9, 1_790_000_000, 1_790_000_000_000,
    0.0, -0.0, -1.0, 1e-320, 1e-9, 0.1, 1e9, 1e18, 1e300, 1.7e308, math.nan, math.inf, -math.inf, 1e19, 2.0**63,
)  # fmt: skip
ODD_TEXTS: Final = (
    "", " ", "\x00", "a\x00b", "A" * 33, "A" * 200, "Ä€𝄞", "..", "../../etc/passwd", "BTC_USDT", "BTC_USDT.PERP", "NaN",
    "null", "0", "binance", "push.mt5", "1m", "0m", "99999m", "99999999d", "-1m", "1M", "session", "open", "filled",
    "gap", "trade", "collector.binance.1", "hub.1", "\u202e", "%s%n", "'; DROP TABLE trades; --", "A" * 40_000,
)  # fmt: skip
ODD_VALUES: Final[tuple[Any, ...]] = (
    *ODD_NUMBERS, *ODD_NUMBERS, *ODD_TEXTS, None, True, False, b"", b"\x00\xff", b"A" * 100, [], {}, [[]], [None],
    [1, 2, 3], [[1.0, 1.0]], [[1.0]], {"a": 1}, {"": {}}, {1: 2}, ["A"] * 300, msgspec.msgpack.Ext(5, b"x"),
    msgspec.msgpack.Ext(-1, b"\xff" * 12), [[1.0, 1.0]] * 1500, {"x": math.nan}, {"x": [[[[[[]]]]]]},
)  # fmt: skip
_FACTORS: Final = (-1, 0, 2, 10, 1000, 10**6, 10**9, 0.5, 1e-6, 1e12)
_DEPTHS: Final = (2, 20, 200)
BOMBS: Final = (
    b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdc\xff\xff" + b"\xc0" * 100, b"\xc6\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
    b"\x91" * 100_000, b"\x81\xa1a" * 60_000, b"\xc9\xff\xff\xff\xff\x01", b"\x91\xdd\x7f\xff\xff\xff", b"\xc1", b"\x9f" * 1000,
    b"\xdc\xff\xff" + b"\x90" * 65_535, b"\x91" + b"\xdc\xff\xff" + b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00" * 7000,
)  # fmt: skip
"""Short things that claim or unfold to large ones."""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder().decode


class TreeMutator:
    """Makes documents wrong.

    Args:
        random: Decides everything.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._ways: tuple[Callable[[Any, Any], None], ...] = (
            self._odd, self._odd, self._odd, self._scale, self._scale, self._delete, self._append, self._swap, self._repeat,
            self._nest,
        )  # fmt: skip

    def mutate(self, data: bytes) -> bytes:
        """A document made from a good one, wrong in one to three ways; now and then a bomb, or not msgpack at all."""
        random = self._random
        chance = random.random()
        if chance < 0.004:
            return random.choice(BOMBS)
        tree: Any = _decode(data)
        for _ in range(1 if chance < 0.7 else 2 if chance < 0.9 else 3):
            tree = self.changed(tree)
        try:
            return _encode(tree)
        except (OverflowError, ValueError, TypeError, RecursionError):
            return b"\xc1"

    def changed(self, tree: Any) -> Any:
        """The same document with one change, in place where it has parts."""
        place = self._place(tree)
        if place is None:
            return self._value(tree)
        holder, key = place
        self._ways[int(self._random.random() * len(self._ways))](holder, key)
        return tree

    def _place(self, tree: Any) -> tuple[Any, Any] | None:
        """A container within and a key of it: the deeper the rarer to go on."""
        holder = tree
        found: tuple[Any, Any] | None = None
        while isinstance(holder, list | dict) and holder:
            keys: Any = range(len(holder)) if isinstance(holder, list) else list(holder)
            key = keys[int(self._random.random() * len(keys))]
            found = holder, key
            if self._random.random() < 0.15:
                break
            holder = holder[key]
        return found

    def _value(self, old: Any) -> Any:
        """Something else, of the same type as often as not."""
        random = self._random
        if random.random() < 0.5:
            if isinstance(old, str):
                return random.choice(ODD_TEXTS)
            if isinstance(old, int | float):
                return random.choice(ODD_NUMBERS)
        return random.choice(ODD_VALUES)

    def _odd(self, holder: Any, key: Any) -> None:
        holder[key] = self._value(holder[key])

    def _scale(self, holder: Any, key: Any) -> None:
        """A number that is still one."""
        old = holder[key]
        if isinstance(old, bool) or not isinstance(old, int | float):
            self._odd(holder, key)
            return
        try:
            new = old * self._random.choice(_FACTORS) + self._random.choice((0, 0, 1, -1))
        except OverflowError:
            new = 0
        holder[key] = int(new) if isinstance(old, int) and math.isfinite(new) else new

    def _delete(self, holder: Any, key: Any) -> None:
        del holder[key]

    def _append(self, holder: Any, key: Any) -> None:
        if isinstance(holder, list):
            holder.insert(key + (self._random.random() < 0.5), self._value(holder[key]))
        else:
            holder[self._random.choice(ODD_TEXTS)] = self._value(holder[key])

    def _swap(self, holder: Any, key: Any) -> None:
        other = self._random.choice(range(len(holder)) if isinstance(holder, list) else list(holder))
        holder[key], holder[other] = holder[other], holder[key]

    def _repeat(self, holder: Any, key: Any) -> None:
        if isinstance(holder, list) and len(holder) < 1000:
            holder.extend([holder[key]] * self._random.choice((1, 1, 2, 40)))

    def _nest(self, holder: Any, key: Any) -> None:
        for _ in range(self._random.choice(_DEPTHS)):
            holder[key] = [holder[key]]
