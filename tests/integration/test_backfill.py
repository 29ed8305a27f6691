"""`tapehub backfill databento` against the historical service on loopback: the price first, then the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from actors.collector.databento.decode import DbnDecoder
from tapehub.cli import context
from tests.support.config import write_config
from tests.support.databento_gateway import KEY
from tests.support.databento_history import HistoryServer
from tests.unit.tapehub.calls import Result, call

SYMBOLS = {
    "6E.FUT": {"venues": {"databento": "glbx:6E.v.0"}},
    "6B.FUT": {"venues": {"databento": "glbx:6B.v.0"}},
    "BTC_USDT": {"venues": {"binance": "spot:BTCUSDT"}},
}
SPAN = ("--start", "2026-11-02T14:00Z", "--end", "1h")
START_NS = 1_793_628_000 * 10**9


class Desk:
    """Asks for history as a person does."""

    def __init__(self, server: HistoryServer, run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.server, self.run_dir = server, run_dir
        self._capsys = capsys
        section = {"api_key": KEY, "history_gateway": server.url, "backfill_max_cost_usd": 5}
        self.config = write_config(run_dir, {"collector.databento.1": {"databento": section}}, SYMBOLS)

    def ask(self, *words: str, schema: str = "trades", span: tuple[str, ...] = SPAN) -> Result:
        """Call the command."""
        fixed = ("--config", str(self.config), "backfill", "databento", "--schema", schema, *span)
        result = call(self._capsys, *fixed, *words)
        assert KEY not in result.out + result.err
        return result

    def fetched(self) -> list[dict[str, str]]:
        """Parameters of what was bought."""
        return [given for name, given in self.server.requests if name == "timeseries.get_range"]


@pytest.fixture
def desk(
    run_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    monkeypatch.delenv("DATABENTO_API_KEY", raising=False)
    monkeypatch.setattr("databento.historical.client.validate_gateway", lambda url: url)
    with HistoryServer() as server:
        yield Desk(server, run_dir, capsys)
    context.use(context.Context())


def test_the_price_is_told_before_the_file_is_bought(desk: Desk) -> None:
    result = desk.ask("6E.FUT")
    assert result.code == 0, result.err
    assert result.out.index("cost: 1.25 USD") < result.out.index(".dbn.zst")
    path = Path(result.out.splitlines()[-1])
    assert path.parent == desk.run_dir / "dbn"
    assert [message.KIND for message in DbnDecoder().messages(path)] == ["trade"] * 3
    (bought,) = desk.fetched()
    assert (bought["symbols"], bought["stype_in"], bought["dataset"]) == ("6E.v.0", "continuous", "GLBX.MDP3")
    assert (int(bought["start"]), int(bought["end"])) == (START_NS, START_NS + 3600 * 10**9)


def test_what_is_there_is_not_paid_for_again(desk: Desk, tmp_path: Path) -> None:
    assert desk.ask("6E.FUT", "--out", str(tmp_path)).code == 0
    again = desk.ask("6E.FUT", "--out", str(tmp_path), "--max-cost", "0")
    assert again.code == 0, again.err
    assert "was there already" in again.out
    assert len(desk.fetched()) == len(list(tmp_path.iterdir())) == 1


def test_more_than_the_limit_wants_a_yes(desk: Desk) -> None:
    desk.server.cost = "5.01"
    refused = desk.ask("6E.FUT")
    assert refused.code == 1
    assert "cost: 5.01 USD" in refused.out
    assert "5.01 USD is more than the limit of 5.00 USD: nothing was fetched" in refused.err
    assert "--yes" in refused.err
    assert not desk.fetched()
    assert desk.ask("6E.FUT", "--yes").code == 0
    assert len(desk.fetched()) == 1


def test_the_limit_is_for_all_files_together(desk: Desk) -> None:
    """Three dollars each: the limit of five is passed by both of them, not by one."""
    desk.server.cost = "3.00"
    refused = desk.ask("6E.FUT", "6EZ6")
    assert refused.code == 1
    assert "6.00 USD is more than" in refused.err
    assert not desk.fetched()
    assert desk.ask("6E.FUT", "6EZ6", "--max-cost", "6").code == 0
    assert [one["stype_in"] for one in desk.fetched()] == ["continuous", "raw_symbol"]


def test_a_price_that_rises_meanwhile_is_not_paid(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service is asked again just before the purchase: what it says then must be what was told."""
    answer = desk.server.answer

    def dearer(name: str, given: dict[str, str], key: str) -> tuple[int, bytes]:
        if desk.server.asked().count("metadata.get_cost") > 1:
            desk.server.cost = "2.50"
        return answer(name, given, key)

    monkeypatch.setattr(desk.server, "answer", dearer)
    result = desk.ask("6E.FUT", "--yes")
    assert result.code == 1
    assert "2.50 USD" in result.err
    assert not desk.fetched()


def test_one_document_for_programs(desk: Desk) -> None:
    result = desk.ask("6E.FUT", "6B.FUT", "--json")
    document = msgspec.json.decode(result.out)
    (file,) = document["files"]
    assert (document["cost_usd"], document["limit_usd"]) == (1.25, 5.0)
    assert (file["symbols"], file["records"], file["fetched"]) == (["6E.v.0", "6B.v.0"], 3, True)
    assert Path(file["path"]).is_file()


def test_a_refused_limit_is_a_document_too(desk: Desk) -> None:
    result = desk.ask("6E.FUT", "--json", "--max-cost", "1")
    assert result.code == 1
    (file,) = msgspec.json.decode(result.out)["files"]
    assert (file["path"], file["fetched"], file["cost_usd"]) == ("", False, 1.25)


def test_a_parent_has_the_market_before_it(desk: Desk) -> None:
    """`6E.FUT` is a symbol of symbols.yaml; `glbx:6E.FUT` is the vendor's parent of all its contracts."""
    assert desk.ask("glbx:6E.FUT").code == 0
    assert [(one["symbols"], one["stype_in"]) for one in desk.fetched()] == [("6E.FUT", "parent")]


def test_a_refusal_of_the_vendor_leaves_no_file(desk: Desk) -> None:
    desk.server.status["timeseries.get_range"] = 403
    result = desk.ask("6E.FUT")
    assert result.code == 1
    assert "not entitled" in result.err
    assert not list((desk.run_dir / "dbn").iterdir())


def test_no_key(desk: Desk) -> None:
    desk.config = write_config(desk.run_dir, {"hub.1": {}}, SYMBOLS)
    result = desk.ask("6E.FUT")
    assert result.code == 78
    assert "DATABENTO_API_KEY" in result.err


@pytest.mark.parametrize(
    ("words", "schema", "span", "said"),
    [
        (("6E.FUT",), "tradez", SPAN, "schema 'tradez' is none of trades"),
        (("BTC_USDT",), "trades", SPAN, "BTC_USDT has no name at databento"),
        (("6E.FUT",), "trades", ("--start", "1h", "--end", "1h"), "'1h' is no moment"),
        (("6E.FUT",), "trades", ("--start", "2026-11-02", "--end", "2026-11-01"), "must end after it starts"),
        (("6E.FUT",), "trades", ("--start", "soon", "--end", "1h"), "'soon' is not a moment"),
    ],
)
def test_what_makes_no_sense_is_told_before_anybody_is_asked(
    desk: Desk, words: tuple[str, ...], schema: str, span: tuple[str, ...], said: str
) -> None:
    result = desk.ask(*words, schema=schema, span=span)
    assert result.code == 2
    assert said in result.err
    assert desk.server.requests == []
