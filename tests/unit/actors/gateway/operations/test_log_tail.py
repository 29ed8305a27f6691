"""The end of log files: merged, filtered, over blocks and rotations, without secrets."""

from pathlib import Path

import pytest

from actors.gateway.operations import logs
from actors.gateway.operations.logs import Wanted, tail
from actors.gateway.operations.masking import HIDDEN, Mask, shown_url

MASK = Mask(
    {
        "collector.ig.1": {"account": {"api_key": "open-sesame"}},
        "p": {"database": "postgresql://u:hunter22@h/d"},
    }
)
MANY = 8_000_000


def line(second: int, actor: str, msg: str, level: str = "info") -> str:
    ts = f"2026-11-21T12:{second // 60:02}:{second % 60:02}.000Z"
    return f'{{"ts":"{ts}","level":"{level}","actor":"{actor}","msg":"{msg}"}}\n'


def said(folder: Path, *actors: str, most: int = MANY, **wanted: object) -> list[str]:
    found = tail(folder, actors or ("a.1", "b.1"), Wanted(**wanted), most, MASK)  # type: ignore[arg-type]
    return [row["msg"] for row in found]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.1.log").write_text("".join(line(n, "a.1", f"a{n}") for n in range(0, 100, 2)))
    (tmp_path / "b.1.log").write_text("".join(line(n, "b.1", f"b{n}", "error") for n in range(1, 100, 2)))
    return tmp_path


def test_merged_by_time_the_newest_last(folder: Path) -> None:
    assert said(folder, limit=4) == ["a96", "b97", "a98", "b99"]
    assert said(folder, "a.1", limit=2) == ["a96", "a98"]
    assert said(folder, "nobody.1") == []


def test_filters(folder: Path) -> None:
    assert said(folder, level="warning", limit=2) == ["b97", "b99"]
    assert said(folder, before="2026-11-21T12:00:03.000Z") == ["a0", "b1", "a2"]
    (folder / "a.1.log").write_text(line(1, "a.1", "price (BTC.*) gone") + line(2, "a.1", "price BTC gone"))
    assert said(folder, "a.1", grep="PRICE (btc.*)") == ["price (BTC.*) gone"]


@pytest.mark.parametrize("block_bytes", [1, 7, 100, 1000])
def test_every_line_comes_once_whatever_the_blocks(
    folder: Path, block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "BLOCK_BYTES", block_bytes)
    (folder / "a.1.log.1").write_text(line(0, "a.1", "rotated away"))
    assert said(folder, "a.1", limit=1000) == ["rotated away", *(f"a{n}" for n in range(0, 100, 2))]


def test_no_more_is_read_than_allowed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "BLOCK_BYTES", 100)
    assert 0 < len(said(folder, "a.1", most=400, limit=1000)) <= 6


def test_what_a_crash_printed_stays_beside_its_time(folder: Path) -> None:
    (folder / "a.1.log").write_text("Fatal Python error\n" + line(50, "a.1", "again") + "Traceback\n")
    assert said(folder, "a.1") == ["Fatal Python error", "again", "Traceback"]
    assert said(folder, limit=3, before="2026-11-21T12:00:51.000Z")[-3:] == [
        "Fatal Python error",
        "again",
        "Traceback",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("login open-sesame failed", f"login {HIDDEN} failed"),
        ("cannot reach postgresql://u:hunter22@h/d", f"cannot reach postgresql://u:{HIDDEN}@h/d"),
        ("api_key=abcd1234 refused", f"api_key={HIDDEN} refused"),
        ("Authorization: Bearer abcdefgh.ijkl", f"Authorization: {HIDDEN}"),
        ("token " + "a1" * 20, f"token {HIDDEN}"),
        ("gap collector.binance.1-1795168800-3 is filled", "gap collector.binance.1-1795168800-3 is filled"),
        ("tokens: none", "tokens: none"),
    ],
)
def test_what_looks_like_a_secret_is_blotted_out(text: str, shown: str) -> None:
    assert MASK.line(text) == shown


def test_urls_and_plain_data() -> None:
    assert (
        shown_url("postgresql://u:p@ss@h/d?password=x&a=1")
        == f"postgresql://u:{HIDDEN}@h/d?password={HIDDEN}&a=1"
    )
    assert MASK.value({"api_key": "new", "list": ["open-sesame", 1]}) == {
        "api_key": HIDDEN,
        "list": [HIDDEN, 1],
    }
