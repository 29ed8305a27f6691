"""Which record each stored row came from: every key that a journal holds must be stored once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocol.replay import Position

Keys = NDArray[np.int64]
"""Rows of (epoch, seq, k)."""
_SEQ_BITS: Final = 34
_K_BITS: Final = 12
_MOST: Final = (1 << (63 - _SEQ_BITS - _K_BITS), 1 << _SEQ_BITS, 1 << _K_BITS)


class KeyVerdict(NamedTuple):
    """What came of a comparison; all zeros but `expected` are wanted."""

    expected: int
    lost: int
    doubled: int
    invented: int
    examples: list[str]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong; nothing expected proves nothing."""
        return bool(self.expected) and not (self.lost or self.doubled or self.invented)


def keys_of(rows: Sequence[tuple[int, int, int]]) -> Keys:
    """Rows as an array."""
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def spread(frames: Keys) -> Keys:
    """Frames as (epoch, seq, number of events) to one key per event."""
    repeated = np.repeat(frames, frames[:, 2], axis=0)
    ends = np.cumsum(frames[:, 2])
    repeated[:, 2] = np.arange(len(repeated)) - np.repeat(ends - frames[:, 2], frames[:, 2])
    return repeated


def compare_keys(journal: Keys, stored: Keys, until: Position, where: str) -> KeyVerdict:
    """Compare what a journal holds up to a position with what is stored up to there."""
    journal, stored = _until(journal, until), _until(stored, until)
    base = int(min(journal[:, 0].min(initial=until.epoch), stored[:, 0].min(initial=until.epoch)))
    wanted, have = np.unique(_packed(journal, base)), _packed(stored, base)
    unique, counts = np.unique(have, return_counts=True)
    lost = wanted[~np.isin(wanted, unique, assume_unique=True)]
    invented = unique[~np.isin(unique, wanted, assume_unique=True)]
    twice = unique[counts > 1]
    examples = [
        f"{where}: {what} {_text(key, base)}"
        for what, found in (("lost", lost), ("doubled", twice), ("invented", invented))
        for key in found[:3].tolist()
    ]
    return KeyVerdict(len(wanted), len(lost), int((counts - 1).sum()), len(invented), examples)


def _until(keys: Keys, until: Position) -> Keys:
    epochs, seqs = keys[:, 0], keys[:, 1]
    return np.asarray(
        keys[(epochs < until.epoch) | ((epochs == until.epoch) & (seqs <= until.seq))], np.int64
    )


def _packed(keys: Keys, base: int) -> NDArray[np.int64]:
    shifted = keys - np.array([base, 0, 0])
    if len(keys) and ((shifted < 0).any() or (shifted.max(axis=0) >= np.array(_MOST)).any()):
        raise ValueError(f"a key of {shifted.max(axis=0).tolist()} does not fit {_MOST}")
    packed = (shifted[:, 0] << (_SEQ_BITS + _K_BITS)) | (shifted[:, 1] << _K_BITS) | shifted[:, 2]
    return np.asarray(packed, np.int64)


def _text(key: int, base: int) -> str:
    seq: Any = key >> _K_BITS & ((1 << _SEQ_BITS) - 1)
    return f"{base + (key >> (_SEQ_BITS + _K_BITS))}/{seq}[{key & ((1 << _K_BITS) - 1)}]"
