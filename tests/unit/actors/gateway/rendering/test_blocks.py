"""Long answers share what they have in common, and are the same as without."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.rendering.blocks import BLOCK_ROWS, Blocks
from actors.gateway.rendering.dressing import PLAIN, Dress
from actors.gateway.rendering.encoding import many_pieces
from actors.gateway.rendering.envelopes import ManyHead
from actors.gateway.rendering.formats import Format
from actors.gateway.rendering.tables import BarTable
from protocol.messages import Bar
from tests.unit.actors.gateway.rendering.test_tables import packed
from tests.unit.actors.hub.samples import bar

HEAD = ManyHead(symbol="BTC_USDT")
LONG = 5 * BLOCK_ROWS + 7


def bars(minutes: list[int], newest: float = 1.0) -> list[Bar]:
    return [bar(minute, close=newest if minute == minutes[-1] else minute / 3) for minute in minutes]


def table(count: int, newest: float = 1.0) -> BarTable:
    return BarTable(packed(bars(list(range(count)), newest)))


def texts(blocks: Blocks, found: BarTable, form: Format = Format.JSON, dress: Dress = PLAIN) -> list[bytes]:
    return list(many_pieces(form, blocks.cut(found), HEAD, dress))


@given(st.sets(st.integers(0, 5 * BLOCK_ROWS), min_size=1), st.data())
def test_a_cut_table_is_written_like_the_whole_one(minutes: set[int], data: st.DataObject) -> None:
    form = data.draw(st.sampled_from([Format.JSON, Format.MSGPACK, Format.NDJSON, Format.CSV]))
    dress = data.draw(st.sampled_from([PLAIN, Dress(is_iso=True), Dress(is_exact=True)]))
    whole = BarTable(packed(bars(sorted(minutes))))
    blocks = Blocks()
    wanted = b"".join(many_pieces(form, whole, HEAD, dress))
    for _ in range(2):  # as made, and as kept
        assert b"".join(texts(blocks, whole, form, dress)) == wanted


def test_readers_of_different_moments_hold_the_same_blocks() -> None:
    blocks, made = Blocks(), []

    def write(rows: list[object]) -> bytes:
        made.append(len(rows))
        return b"text"

    for newest in (1.0, 2.0, 3.0):
        list(blocks.cut(table(LONG, newest)).texts("how", write))
    assert sorted(made, reverse=True)[: LONG // BLOCK_ROWS] == [BLOCK_ROWS] * (LONG // BLOCK_ROWS)
    assert len(made) == LONG // BLOCK_ROWS + 3, "the whole blocks once, the last one for each reader"


def test_a_later_window_begins_elsewhere_and_shares_all_but_its_ends() -> None:
    blocks = Blocks()
    first = texts(blocks, BarTable(packed(bars(list(range(LONG))))))
    size_bytes = blocks.size_bytes
    later = texts(blocks, BarTable(packed(bars(list(range(10, LONG + 10))))))
    assert len({id(text) for text in later}) == len(later)
    assert blocks.size_bytes - size_bytes < 3 * size_bytes / len(first), "only what is new was added"


def test_other_names_of_the_same_numbers_are_other_blocks() -> None:
    blocks = Blocks()
    data = packed(bars(list(range(LONG))))
    mine = texts(blocks, BarTable(data))
    theirs = texts(blocks, BarTable(msgspec.structs.replace(data, sources=["other", *data.sources[1:]])))
    assert mine[0] != theirs[0]


@pytest.mark.parametrize("max_bytes", [0, 50_000])
def test_memory_is_bounded_and_what_was_put_out_is_still_right(max_bytes: int) -> None:
    blocks = Blocks(max_bytes)
    whole = table(LONG)
    held = blocks.cut(whole)
    for shift in range(1, 6):
        texts(blocks, BarTable(packed(bars(list(range(shift * 1000, shift * 1000 + LONG))))))
        assert blocks.size_bytes <= max_bytes
    assert b"".join(many_pieces(Format.JSON, held, HEAD)) == b"".join(many_pieces(Format.JSON, whole, HEAD))
    assert blocks.size_bytes <= max_bytes
