"""The Lightstreamer server of these tests against the vendor's own client: it speaks and refuses like the real one."""

from __future__ import annotations

import pytest

from tests.support.tlcp_server import TlcpServer
from tests.support.wait import until

PRICE = "PRICE:ABC12:CS.D.EURUSD.CFD.IP"
FIELDS = ["BIDPRICE1", "ASKPRICE1", "TIMESTAMP", "DLG_FLAG"]


@pytest.mark.filterwarnings("ignore:ssl=None:DeprecationWarning")  # of the library
class TestTheServerIsHonest:
    """lightstreamer-client-lib 1.0.3 speaks with it as with the real one."""

    @pytest.fixture
    def library(self):
        return pytest.importorskip("lightstreamer.client", reason="lightstreamer-client-lib is not installed")

    @pytest.fixture
    def server(self):
        with TlcpServer(keepalive_ms=500) as server:
            yield server

    @pytest.fixture
    def client(self, library, server):
        """Connected by the vendor's client: (client, its statuses, its errors, subscribe)."""
        statuses, errors, updates = [], [], []

        class Listener(library.ClientListener):
            def onStatusChange(self, status):
                statuses.append(status)

            def onServerError(self, code, message):
                errors.append((code, message))

        class Updates(library.SubscriptionListener):
            def onItemUpdate(self, update):
                row = tuple(update.getValue(name) for name in FIELDS)
                updates.append((update.getItemName(), update.isSnapshot(), row))

            def onSubscriptionError(self, code, message):
                errors.append((code, message))

        client = library.LightstreamerClient(server.url, None)
        client.connectionOptions.setForcedTransport("WS-STREAMING")
        client.connectionDetails.setUser("ABC12")
        client.connectionDetails.setPassword("CST-a|XST-b")
        client.addListener(Listener())

        def subscribe(item=PRICE, fields=FIELDS):
            wanted = library.Subscription("MERGE", [item], fields)
            wanted.setDataAdapter("Pricing")
            wanted.setRequestedSnapshot("yes")
            wanted.addListener(Updates())
            client.subscribe(wanted)

        yield client, statuses, errors, updates, subscribe
        client.disconnect()
        until(lambda: client.getStatus() == "DISCONNECTED", 40.0, "the client's end")

    def test_it_streams_with_escapes_and_survives_a_loop(self, server, client):
        client, _statuses, errors, updates, subscribe = client
        server.prices[PRICE] = {"BIDPRICE1": "1.1", "ASKPRICE1": "1.2", "TIMESTAMP": "1", "DLG_FLAG": "a|b%#"}
        subscribe()
        client.connect()
        until(lambda: len(updates) == 1, 40.0, "the snapshot")
        assert updates[0] == (PRICE, True, ("1.1", "1.2", "1", "a|b%#"))
        server.update(PRICE, BIDPRICE1="#x", ASKPRICE1=None, DLG_FLAG="")
        until(lambda: len(updates) == 2, 40.0, "an update")
        assert updates[1] == (PRICE, False, ("#x", None, "1", ""))
        server.loop(0)
        server.wait(lambda: server.count("bind_session") == 1, "the bind")
        server.update(PRICE, BIDPRICE1="1.3", ASKPRICE1="1.4")
        until(lambda: len(updates) == 3, 40.0, "an update on the new socket")
        assert updates[2] == (PRICE, False, ("1.3", "1.4", "1", ""))
        assert (errors, len(server.sessions)) == ([], 1)

    def test_it_refuses_like_the_real_one(self, server, client):
        client, _statuses, errors, _updates, subscribe = client
        subscribe(item="PRICE:OTHER:CS.D.EURUSD.CFD.IP")
        client.connect()
        until(lambda: errors, 40.0, "the refusal of another account's item")
        assert errors == [(21, "Invalid group")]
        subscribe(fields=["BIDPRICE1", "NOFIELD"])
        until(lambda: len(errors) == 2, 40.0, "the refusal of a field")
        assert errors[1] == (23, "Bad Field schema name")

    def test_a_wrong_password_ends_it_without_a_retry(self, server, client):
        client, _statuses, errors, _updates, _subscribe = client
        server.admits = lambda user, password: False
        client.connect()
        until(lambda: errors and client.getStatus() == "DISCONNECTED", 40.0, "the refusal")
        assert errors == [(1, "User/password check failed")]
        assert server.count("create_session") == 1

    def test_a_session_that_ends_is_followed_by_another(self, server, client):
        client, _statuses, _errors, updates, subscribe = client
        server.prices[PRICE] = {"BIDPRICE1": "1.1", "ASKPRICE1": "1.2", "TIMESTAMP": "1", "DLG_FLAG": "DEAL"}
        subscribe()
        client.connect()
        until(lambda: len(updates) == 1, 40.0, "the snapshot")
        server.end(48, "max duration")
        until(lambda: len(updates) == 2, 40.0, "the snapshot of the second session")
        assert server.count("create_session") == 2
