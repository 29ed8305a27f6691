"""`tapehub doctor --live` against IG, Databento and news in every mood: what fails is named, never with a secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from actors.collector.probing.probe import DATA_S, Probed
from tests.support.databento_gateway import KEY, Gateway
from tests.support.databento_history import HistoryServer
from tests.support.ig_server import ACCOUNT, API_KEY, PASSWORD, USER, IgServer
from tests.support.looking import looked, only, part_of, words
from tests.support.news_server import NewsServer
from tests.support.probed_venue import ProbedVenue
from tests.support.tlcp_server import TlcpServer

EUR, GBP = f"PRICE:{ACCOUNT}:CS.D.EURUSD.CFD.IP", f"PRICE:{ACCOUNT}:CS.D.GBPUSD.CFD.IP"
_ig, _databento, _news = part_of("ig"), part_of("databento"), part_of("news")


class TestIg:
    @pytest.fixture
    def stream(self) -> Iterator[TlcpServer]:
        with TlcpServer() as server:
            server.prices[EUR] = price("1.15154", "1.15160")
            server.prices[GBP] = price("1.31", "1.3101")
            yield server

    @pytest.fixture
    def rest(self, stream: TlcpServer) -> Iterator[IgServer]:
        with IgServer(stream.url) as server:
            stream.admits = server.admits
            yield server

    def look(self, rest: IgServer, data_s: float = DATA_S, **ig: Any) -> list[Probed]:
        section = {"username": USER, "password": PASSWORD, "api_key": API_KEY} | ig
        found = looked("collector.ig.1", data_s=data_s, rest_url={"cfd": rest.url}, ig=_ig(**section))
        text = str(found)
        assert PASSWORD not in text
        assert API_KEY not in text
        assert "CST-" not in text
        return found

    def test_all_is_well(self, rest: IgServer, stream: TlcpServer) -> None:
        found = self.look(rest)
        assert {one.word for one in found} == {"OK"}, words(found)
        assert words(found, "data") == [
            "OK EUR_USD: 1.15154 / 1.1516, DEAL, divided by 1",
            "OK GBP_USD: 1.31 / 1.3101, DEAL, divided by 1",
        ]
        assert rest.logins == 1
        stream.wait(lambda: stream.count("control", LS_op="destroy") == 1, "the end of the session")

    def test_points_are_told(self, rest: IgServer, stream: TlcpServer) -> None:
        stream.prices[EUR] = price("11515.4", "11516.0")
        assert only(self.look(rest), "WARN").text.startswith(
            "EUR_USD: 1.15154 / 1.1516, DEAL, divided by 10000"
        )

    def test_a_price_that_cannot_be(self, rest: IgServer, stream: TlcpServer) -> None:
        stream.prices[EUR] = price("4", "4.1")
        one = only(self.look(rest), "FAIL")
        assert "no divisor makes a price" in one.text
        assert "epic" in one.fix

    def test_a_closed_market_is_checked_by_what_it_shows(self, rest: IgServer, stream: TlcpServer) -> None:
        stream.prices[EUR] = price("1.15154", "1.15160", "CLOSED")
        found = self.look(rest)
        assert words(found, "data")[0] == "OK EUR_USD: 1.15154 / 1.1516, CLOSED, divided by 1"

    def test_nothing_comes(self, rest: IgServer, stream: TlcpServer) -> None:
        stream.is_frozen = True
        found = self.look(rest, data_s=0.3)
        assert only(found, "WARN").text == "no data yet of EUR_USD, GBP_USD"

    @pytest.mark.parametrize(
        ("section", "said", "cure"),
        [
            ({"password": "wrong"}, "error.security.invalid-details", "username or password"),
            ({"api_key": "wrong"}, "error.security.api-key-invalid", "demo and live"),
        ],
    )
    def test_wrong_credentials(self, rest: IgServer, section: dict[str, Any], said: str, cure: str) -> None:
        one = only(self.look(rest, **section), "FAIL")
        assert one.step == "credentials"
        assert said in one.text
        assert cure in one.fix
        assert len(rest.requests) == 1, "refused credentials are not tried again"

    def test_the_allowance_is_used_up(self, rest: IgServer) -> None:
        rest.refusals = [(403, "error.public-api.exceeded-api-key-allowance")]
        assert "15 minutes" in only(self.look(rest), "FAIL").fix

    def test_credentials_that_are_not_set(self, rest: IgServer) -> None:
        one = only(self.look(rest, password="", api_key=""), "FAIL")
        assert one.text == "not set: ig.password, ig.api_key"
        assert "IG_PASSWORD, IG_API_KEY" in one.fix

    def test_an_epic_that_is_refused(self, rest: IgServer, stream: TlcpServer) -> None:
        stream.request_errors[GBP] = (21, "Invalid group")
        one = only(self.look(rest), "FAIL")
        assert (one.step, one.text) == (
            "subscribe",
            "GBP_USD: CS.D.GBPUSD.CFD.IP is refused: 21 Invalid group",
        )

    def test_fields_that_are_refused_are_left_out(self, rest: IgServer, stream: TlcpServer) -> None:
        stream.unknown_fields = {"BIDSIZE1"}
        assert {one.word for one in self.look(rest)} == {"OK"}

    def test_a_stream_that_does_not_take_the_tokens(self, rest: IgServer, stream: TlcpServer) -> None:
        stream.admits = lambda _user, _password: False
        one = only(self.look(rest), "FAIL")
        assert one.step == "stream"
        assert "CONERR 1 User/password check failed" in one.text

    def test_a_stream_that_turns_us_away(self, rest: IgServer, stream: TlcpServer) -> None:
        stream.refusal = 403
        assert "HTTP 403" in only(self.look(rest), "FAIL").text


class TestDatabento:
    @pytest.fixture
    def gateway(self) -> Iterator[Gateway]:
        server = Gateway({})
        yield server
        server.close()

    @pytest.fixture
    def history(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[HistoryServer]:
        monkeypatch.delenv("DATABENTO_API_KEY", raising=False)
        monkeypatch.setattr("databento.historical.client.validate_gateway", lambda url: url)
        with HistoryServer() as server:
            yield server

    def look(self, gateway: Gateway, history: HistoryServer, **more: Any) -> list[Probed]:
        section = {
            "api_key": KEY,
            "gateway": "127.0.0.1",
            "port": gateway.port,
            "history_gateway": history.url,
        }
        found = looked("collector.databento.1", databento=_databento(**(section | more)))
        assert KEY not in str(found)
        return found

    def test_all_is_well_and_nothing_is_bought(self, gateway: Gateway, history: HistoryServer) -> None:
        found = self.look(gateway, history)
        assert {one.word for one in found} == {"OK"}, words(found)
        assert words(found, "credentials") == ["OK the live gateway takes the key for GLBX.MDP3"]
        assert words(found, "symbols") == ["OK 1 names are known: 6E.v.0"]
        assert len([session for session in gateway.sessions if session.auth]) == 1
        assert not any(session.subscriptions or session.started.is_set() for session in gateway.sessions)
        assert set(history.asked()) == {
            "metadata.list_datasets",
            "metadata.get_dataset_range",
            "symbology.resolve",
        }

    def test_a_wrong_key(self, gateway: Gateway, history: HistoryServer) -> None:
        wrong = KEY[:-5] + "xxxxx"
        found = self.look(gateway, history, api_key=wrong)
        failed = [one for one in found if one.word == "FAIL"]
        assert [one.step for one in failed] == ["credentials", "history"]
        assert "Authentication failed." in failed[0].text
        assert "HTTP 401" in failed[1].text
        assert wrong not in str(found)

    def test_no_key(self, gateway: Gateway, history: HistoryServer) -> None:
        found = self.look(gateway, history, api_key="")
        assert "DATABENTO_API_KEY" in only(found, "FAIL").text
        assert gateway.sessions == [] or not gateway.sessions[0].auth

    def test_a_data_set_that_the_account_has_not(self, gateway: Gateway, history: HistoryServer) -> None:
        history.datasets = ["XNAS.ITCH"]
        assert "no data set GLBX.MDP3: XNAS.ITCH" in only(self.look(gateway, history), "FAIL").text

    def test_a_name_that_nobody_knows(self, gateway: Gateway, history: HistoryServer) -> None:
        history.unknown = {"6E.v.0"}
        assert only(self.look(gateway, history), "FAIL").text == "GLBX.MDP3 knows no 6E.v.0"

    def test_something_else_listens_there(self, history: HistoryServer) -> None:
        with ProbedVenue() as venue:
            port = int(venue.rest_url.rpartition(":")[2])
            section = {"api_key": KEY, "gateway": "127.0.0.1", "port": port, "history_gateway": history.url}
            found = looked("collector.databento.1", databento=_databento(**section), answer_timeout_s=0.5)
        assert only(found, "FAIL").step == "credentials"


class TestNews:
    def test_each_source_is_looked_at(self) -> None:
        with NewsServer() as server:
            server.page("/good", "<rss><channel><item><title>A</title><guid>1</guid></item></channel></rss>")
            server.page("/html", "<html>hello</html>", "text/html")
            server.refuse("/gone", 403)
            sources = {name: {"url": server.url(f"/{name}")} for name in ("good", "html", "gone")}
            found = looked("collector.news.1", news=_news(sources=sources))
        by_source = {one.text.split()[0].rstrip(":"): one for one in found if one.step == "source"}
        assert {name: one.word for name, one in by_source.items()} == {
            "good": "OK",
            "html": "FAIL",
            "gone": "FAIL",
        }
        assert by_source["good"].text == "good: 1 headlines, without a time"
        assert "RSS or Atom" in by_source["html"].fix
        assert "HTTP 403" in by_source["gone"].text

    def test_a_token_is_never_shown(self) -> None:
        with NewsServer() as server:
            server.refuse("/posts", 401)
            api = {"token": "gehe/im nis", "url": server.url("/posts")}
            found = looked("collector.news.1", news=_news(cryptopanic=api))
            assert any("auth_token=" in path for path, _ in server.requests)
        assert "HTTP 401" in only(found, "FAIL").text
        assert "gehe" not in str(found)


def price(bid: str, ask: str, state: str = "DEAL") -> dict[str, str | None]:
    """Fields of a PRICE item."""
    return {
        "BIDPRICE1": bid,
        "ASKPRICE1": ask,
        "DLG_FLAG": state,
        "TIMESTAMP": "1795262400000",
        "BIDSIZE1": "1",
        "ASKSIZE1": "1",
    }
