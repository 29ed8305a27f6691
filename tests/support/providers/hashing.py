"""Numbers that look random and follow from their position and a seed alone. Pure."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_GOLDEN: Final = 0x9E3779B97F4A7C15
_FIRST: Final = 0xBF58476D1CE4E5B9
_SECOND: Final = 0x94D049BB133111EB
_ALL: Final = (1 << 64) - 1
_SCALE: Final = 2.0**-53


def seed_of(*words: object) -> int:
    """A seed of 64 bits; the same in every process."""
    text = "/".join(str(word) for word in words)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def unit(number: int, seed: int) -> float:
    """What `units` gives for one number."""
    x = (number * _GOLDEN + seed) & _ALL
    x = ((x ^ (x >> 30)) * _FIRST) & _ALL
    x = ((x ^ (x >> 27)) * _SECOND) & _ALL
    return ((x ^ (x >> 31)) >> 11) * _SCALE


def units(numbers: Ints, seed: int) -> Floats:
    """A number in [0, 1) for each: splitmix64 of its position."""
    x = numbers.astype(np.uint64)
    x *= np.uint64(_GOLDEN)
    x += np.uint64(seed)
    x ^= x >> np.uint64(30)
    x *= np.uint64(_FIRST)
    x ^= x >> np.uint64(27)
    x *= np.uint64(_SECOND)
    x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) * _SCALE
