"""A board between its writer and its readers: what was written is read, what is being changed is not."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.board import layout, writing
from protocol.board.books import cut_book, pack_book
from protocol.board.layout import NEVER, Common
from protocol.board.machine import is_possible
from protocol.board.reading import BoardReader, NoBoard
from protocol.board.writing import BoardWriter
from protocol.client.board import Board
from protocol.codec import encode_events
from protocol.errors import BoardFull
from tests.unit.actors.hub.samples import book

QUOTE = "quote.binance.BTC_USDT"
MEBIBYTE = 1 << 20
pytestmark = pytest.mark.skipif(
    not is_possible(), reason="no board on this machine: see protocol/board/machine.py"
)


@pytest.fixture
def pointer(tmp_path: Path) -> Path:
    return tmp_path / "hub.1.board"


@pytest.fixture
def writer(pointer: Path) -> Iterator[BoardWriter]:
    made = BoardWriter(pointer, 7, 64 * MEBIBYTE)
    made.words[layout.HEADER_CLOCK] = time.monotonic_ns()
    yield made
    made.close()


def common(writer: BoardWriter, seq: int = 1, doubt: int = 1) -> Common:
    return Common(writer.verdict(), writer.source("collector.binance.1"), 5, seq, 100, NEVER, doubt)


def value(reader: BoardReader, kind: str = "feature") -> bytes | None:
    (place,) = reader.places[kind, "BTC_USDT", "1m"]
    return reader.take(place, lambda _, rest: bytes(reader.bytes_at(rest[0], rest[1])))


def test_topics_and_publishers_are_found_in_the_order_they_came(writer: BoardWriter, pointer: Path) -> None:
    writer.source("collector.binance.1")
    writer.entry("quote", QUOTE)
    reader = BoardReader(pointer)
    writer.entry("quote", "quote.push.mt5.BTC_USDT")
    writer.source("collector.push.1")

    known = dict(reader.places)
    reader.refresh()

    assert list(known) == [("quote", "BTC_USDT", "")]
    assert [place.topic.venue for place in reader.places["quote", "BTC_USDT", ""]] == ["binance", "push.mt5"]
    assert (reader.names, reader.epoch) == (["collector.binance.1", "collector.push.1"], 7)


def test_what_is_being_changed_is_not_taken(writer: BoardWriter, pointer: Path) -> None:
    entry = writer.entry("feature", "feature.binance.BTC_USDT.1m")
    entry.extent = writer.allocate(8)
    reader = BoardReader(pointer)
    never_written = value(reader)
    entry.extent.view[:4] = b"abcd"
    entry.write(common(writer), entry.extent.place, 4)
    written = value(reader)
    entry.begin()
    entry.extent.view[:4] = b"xy"[:2] + b"cd"
    in_between = value(reader)
    entry.write(common(writer), entry.extent.place, 4)

    assert (never_written, written, in_between, value(reader)) == (None, b"abcd", None, b"xycd")


@given(before=st.integers(0, 3), at=st.sampled_from(["head", "rest"]))
def test_a_change_while_a_reader_looks_makes_it_look_again(before: int, at: str) -> None:
    """The writer changes the value just after the reader has taken its bytes, as often as it likes."""
    folder = Path(os.environ.get("TMPDIR", "/tmp"))
    pointer = folder / f"board-{os.getpid()}-{before}-{at}.board"
    writer = BoardWriter(pointer, 7, 64 * MEBIBYTE)
    writer.words[layout.HEADER_CLOCK] = time.monotonic_ns()
    try:
        entry = writer.entry("feature", "feature.binance.BTC_USDT.1m")
        extent = writer.allocate(8)
        given_common = common(writer)

        def write(text: bytes) -> None:
            entry.begin()
            extent.view[:2] = text
            entry.write(given_common, extent.place, 2)

        write(b"00")
        reader = BoardReader(pointer)
        (place,) = reader.places["feature", "BTC_USDT", "1m"]
        looks: list[bytes] = []

        def use(_: Common, rest: tuple[int, ...]) -> bytes:
            first = bytes(reader.bytes_at(rest[0], 1))
            if len(looks) < before and at == "head":
                write(b"%d%d" % (len(looks) + 1, len(looks) + 1))
            whole = first + bytes(reader.bytes_at(rest[0] + 1, 1))
            if len(looks) < before and at == "rest":
                write(b"%d%d" % (len(looks) + 1, len(looks) + 1))
            looks.append(whole)
            return whole

        assert reader.take(place, use) == b"%d%d" % (before, before)
        assert len(looks) == before + 1
    finally:
        writer.close()


@pytest.mark.parametrize("fault", [IndexError, ValueError, struct.error, msgspec.DecodeError])
def test_what_cannot_be_understood_is_asked_for(
    writer: BoardWriter, pointer: Path, fault: type[Exception]
) -> None:
    """Bytes of two pieces may make anything of a decoder."""
    entry = writer.entry("feature", "feature.binance.BTC_USDT.1m")
    entry.write(common(writer), layout.ENTRIES, 4)
    reader = BoardReader(pointer)

    def use(*_: object) -> None:
        raise fault

    assert reader.take(reader.places["feature", "BTC_USDT", "1m"][0], use) is None


def test_it_grows_while_it_is_read_and_what_is_there_stays(writer: BoardWriter, pointer: Path) -> None:
    reader = BoardReader(pointer)
    entries = []
    for number in range(40):
        entry = writer.entry("feature", f"feature.binance.S{number}.1m")
        entry.extent = writer.allocate(MEBIBYTE // 2)
        entry.extent.view[:2] = b"%02d" % number
        entry.write(common(writer, number), entry.extent.place, MEBIBYTE // 2)
        entries.append(entry)

    reader.refresh()

    assert writer.words[layout.HEADER_SEGMENTS] > 4
    for number in range(40):
        (place,) = reader.places["feature", f"S{number}", "1m"]
        assert reader.take(place, lambda _, rest: bytes(reader.bytes_at(rest[0], 2))) == b"%02d" % number


def test_room_that_is_given_back_is_used_again(writer: BoardWriter) -> None:
    first = writer.allocate(1000)
    writer.release(first)

    assert writer.allocate(990) is first
    assert writer.allocate(990) is not first


def test_what_has_no_room_is_refused_and_the_rest_stays(pointer: Path) -> None:
    writer = BoardWriter(pointer, 7, 6 * MEBIBYTE)
    writer.words[layout.HEADER_CLOCK] = time.monotonic_ns()
    entry = writer.entry("feature", "feature.binance.BTC_USDT.1m")
    entry.extent = writer.allocate(4)
    entry.extent.view[:4] = b"abcd"
    entry.write(common(writer), entry.extent.place, 4)

    with pytest.raises(BoardFull, match="longer than"):
        writer.allocate(8 * MEBIBYTE)

    assert value(BoardReader(pointer)) == b"abcd"
    writer.close()


def test_a_full_file_system_is_found_before_anything_is_written(
    pointer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "posix_fallocate", full)

    with pytest.raises(BoardFull, match="No space left"):
        BoardWriter(pointer, 7, 64 * MEBIBYTE)
    assert not pointer.is_symlink()


def test_nobody_else_may_look(writer: BoardWriter, pointer: Path) -> None:
    assert writer.path.stat().st_mode & 0o077 == 0
    writer.path.chmod(0o644)

    with pytest.raises(NoBoard, match="mode 644"):
        BoardReader(pointer)


def test_a_link_that_leads_elsewhere_by_now_is_no_board(pointer: Path, tmp_path: Path) -> None:
    """The hub is dead, and its number and descriptor are somebody else's."""
    pipe, short = tmp_path / "pipe", tmp_path / "short"
    os.mkfifo(pipe, 0o600)
    short.write_bytes(b"x")
    short.chmod(0o600)

    pointer.symlink_to(pipe)
    with pytest.raises(NoBoard, match="is no file"):
        BoardReader(pointer)
    pointer.unlink()
    pointer.symlink_to(short)
    with pytest.raises(NoBoard, match="too short"):
        BoardReader(pointer)


@pytest.mark.parametrize(
    ("word", "number", "said"),
    [
        (layout.HEADER_MAGIC, 1, "is no board"),
        (layout.HEADER_VERSION, layout.VERSION + 1, f"of version {layout.VERSION + 1}"),
        (layout.HEADER_CLOCK, 1, "not looked after"),
    ],
)
def test_what_is_no_board_of_ours_is_not_read(
    writer: BoardWriter, pointer: Path, word: int, number: int, said: str
) -> None:
    writer.words[word] = number

    with pytest.raises(NoBoard, match=said):
        BoardReader(pointer)


def test_a_new_board_takes_the_place_of_the_old_one_and_readers_notice(
    writer: BoardWriter, pointer: Path
) -> None:
    reader = BoardReader(pointer)
    was_current = reader.is_current
    successor = BoardWriter(pointer, 8, 64 * MEBIBYTE)

    assert (was_current, reader.is_current) == (True, False)
    writer.close()
    assert pointer.readlink() == successor.path, "the old one takes only its own link away"
    successor.close()
    assert not pointer.is_symlink()
    writer.__init__(pointer, 7, 64 * MEBIBYTE)  # type: ignore[misc]  # the fixture closes it once more


def test_closing_ends_what_is_current_for_readers_that_still_look(writer: BoardWriter, pointer: Path) -> None:
    word = writer.verdict()
    writer.words[word] = writer.words[word + 1] = NEVER
    reader = BoardReader(pointer)

    writer.close()

    assert (reader.words[word], reader.words[word + 1]) == (0, 0)
    writer.__init__(pointer, 7, 64 * MEBIBYTE)  # type: ignore[misc]  # the fixture closes it once more


def test_without_a_board_there_is_no_answer(pointer: Path) -> None:
    assert Board(pointer).tick("BTC_USDT") is None
    assert Board(None).tick("BTC_USDT") is None
    assert Board(pointer).ticks(["BTC_USDT"]) is None


levels = st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e9)), max_size=30)


@given(bids=levels, asks=levels, depth=st.integers(0, 40), is_whole=st.booleans())
def test_a_cut_book_is_the_encoded_message(
    bids: list[tuple[float, float]], asks: list[tuple[float, float]], depth: int, is_whole: bool
) -> None:
    message = book(10, bids=bids, asks=asks)

    cut = cut_book(pack_book(message, is_whole), depth)

    if not is_whole and (not depth or depth > min(len(bids), len(asks))):
        assert cut == b""
        return
    end = depth or None
    wanted = msgspec.structs.replace(message, bids=bids[:end], asks=asks[:end])
    assert msgspec.msgpack.decode(cut) == msgspec.msgpack.decode(encode_events([wanted]))[0]


def test_a_level_that_is_not_two_floats_is_refused() -> None:
    with pytest.raises(ValueError, match="two floats"):
        pack_book(book(10, bids=[(1, 2)]), True)
