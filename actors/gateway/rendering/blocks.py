"""Candles of long answers, cut where the answers of many readers agree: each block and its text are kept once. Pure.

Readers who ask one after the other have the same candles but for the newest. Cut at fixed times, all blocks but the last
are the same bytes, and a slow reader holds on to blocks that others have too instead of a reply of its own.
"""

from __future__ import annotations

import bisect
import collections
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Final

import msgspec

from actors.gateway.rendering.row_types import BarRow
from actors.gateway.rendering.tables import BarTable
from protocol.sessions import timeframe_ns

BLOCK_ROWS: Final = 64
"""At most; fewer where candles are missing."""
MAX_BYTES: Final = 32 * 1024 * 1024
_OVERHEAD_BYTES: Final = 512
"""About what a block takes beside its candles and texts."""


class Block:
    """Some candles of a series, and what they look like in each form that somebody wanted.

    Args:
        table: The candles.
        is_kept: Whether others may have the same.
    """

    __slots__ = ("is_kept", "size_bytes", "table", "texts")

    def __init__(self, table: BarTable, *, is_kept: bool) -> None:
        self.table = table
        self.is_kept = is_kept
        self.texts: dict[Hashable, bytes] = {}
        self.size_bytes = len(table.data.rows) + _OVERHEAD_BYTES


class Blocks:
    """All blocks that anybody read lately, least used ones out first.

    Args:
        max_bytes: Memory for all of them, about.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._known: collections.OrderedDict[Hashable, Block] = collections.OrderedDict()
        self.size_bytes = 0

    def cut(self, table: BarTable) -> SharedBars:
        """A table in blocks; it holds on to nothing of the reply that the table was made of."""
        blocks, start, count = [], 0, len(table)
        span_ns = BLOCK_ROWS * timeframe_ns(table.data.timeframe)
        while start < count:
            end_ns = (table.ts_open_ns(start) // span_ns + 1) * span_ns
            most = min(start + BLOCK_ROWS, count)
            stop = bisect.bisect_left(range(most), end_ns, lo=start + 1, key=table.ts_open_ns)
            blocks.append(self._block(table.cut(start, stop), is_last=stop == count))
            start = stop
        return SharedBars(table.identity, count, blocks, self)

    def _block(self, table: BarTable, *, is_last: bool) -> Block:
        rows = bytes(table.data.rows)
        own = BarTable(msgspec.structs.replace(table.data, rows=memoryview(rows)))
        if is_last:  # its newest candle still changes
            return Block(own, is_kept=False)
        data = table.data
        key = (table.identity, data.row_bytes, tuple(data.statuses), tuple(data.sources), rows)
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        made = self._known[key] = Block(own, is_kept=True)
        self._grow(made.size_bytes)
        return made

    def text(self, block: Block, how: Hashable, make: Callable[[list[Any]], bytes]) -> bytes:
        """A block as `make` writes it; called once where others may have the block too."""
        text = block.texts.get(how)
        if text is None:
            text = make(block.table.part(0, len(block.table)))
            if block.is_kept:
                block.texts[how] = text
                block.size_bytes += len(text)
                self._grow(len(text))
        return text

    def _grow(self, by_bytes: int) -> None:
        self.size_bytes += by_bytes
        while self.size_bytes > self._max_bytes and self._known:
            _, oldest = self._known.popitem(last=False)
            oldest.is_kept = False
            self.size_bytes -= oldest.size_bytes


class SharedBars:
    """Candles in blocks, oldest first; `Blocks.cut` makes it."""

    kind = BarRow

    def __init__(
        self, identity: tuple[str, str, str], count: int, blocks: Sequence[Block], pool: Blocks
    ) -> None:
        self.identity = identity
        self._count = count
        self._blocks = blocks
        self._pool = pool

    def __len__(self) -> int:
        return self._count

    def texts(self, how: Hashable, make: Callable[[list[Any]], bytes]) -> Iterator[bytes]:
        """Each block as `make` writes it.

        Args:
            how: All that the text depends on besides the candles.
            make: Writes some rows.
        """
        return (self._pool.text(block, how, make) for block in self._blocks)
