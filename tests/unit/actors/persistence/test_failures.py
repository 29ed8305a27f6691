"""Every way a database fails is told in one message with its URL and what to do, and never with the password."""

import socket
import struct
import sys
import threading

import psycopg
import pytest
from psycopg import errors

from actors.persistence.database_url import default_url, parse_url, shown
from actors.persistence.failures import StoreError, explain
from actors.persistence.opening import open_store
from tests.support.paths import free_port


@pytest.mark.parametrize(
    ("written", "whole"),
    [
        ("", "sqlite:////run/db/tapehub.sqlite"),
        (default_url("/run"), "sqlite:////run/db/tapehub.sqlite"),
        ("sqlite:///other.sqlite", "sqlite:////run/other.sqlite"),
        ("sqlite:////elsewhere/x.sqlite", "sqlite:////elsewhere/x.sqlite"),
        ("postgresql://me@h/name", "postgresql+psycopg://me@h/name"),
        ("postgres://me@h/name", "postgresql+psycopg://me@h/name"),
    ],
)
def test_urls_are_made_whole(written, whole):
    assert str(parse_url(written, "/run")) == whole


@pytest.mark.parametrize("written", ["nonsense", "mysql://me:geheim@h/x", "sqlite://", "sqlite:///:memory:"])
def test_what_is_no_database_of_ours_is_refused(written):
    with pytest.raises(StoreError) as told:
        parse_url(written, "/run")
    assert told.value.is_lasting
    assert "geheim" not in str(told.value)
    assert told.value.fix


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql+psycopg://me:geheim@h:5432/x", "postgresql://me:***@h:5432/x"),
        ("postgresql://me:geheim@2:/@h/x", "postgresql://me:***@h/x"),
        (
            "postgresql://h/x?user=me&password=geheim&sslmode=require",
            "postgresql://h/x?user=me&password=***&sslmode=require",
        ),
        ("postgresql://me@h/x", "postgresql://me@h/x"),
    ],
)
def test_passwords_are_hidden(text, hidden):
    assert shown(text) == hidden
    if text.count("@") < 2:
        assert "geheim" not in shown(parse_url(text, "/run"))


def test_a_password_in_the_drivers_own_words_is_blotted_out():
    url = parse_url("postgresql://me:geheim%21@h/x", "/run")
    told = explain(psycopg.OperationalError('bad password "geheim!" in postgresql://me:geheim!@h/x'), url)
    assert "geheim" not in str(told)


@pytest.mark.parametrize(
    ("error", "words", "is_lasting"),
    [
        (errors.DiskFull("could not extend file"), "the disk is full", False),
        (errors.ReadOnlySqlTransaction("cannot execute INSERT"), "read-only", True),
        (errors.InsufficientPrivilege("permission denied for table trades"), "read-only", True),
        (errors.UndefinedTable('relation "trades" does not exist'), "tapehub db upgrade", True),
        (errors.LockNotAvailable("canceling statement due to lock timeout"), "another program", False),
        (errors.AdminShutdown("terminating connection"), "cannot be reached", False),
        (OSError(28, "No space left on device"), "the disk is full", False),
        (ValueError("something new"), "something new", False),
    ],
)
def test_known_cases(error, words, is_lasting):
    told = explain(error, parse_url("postgresql://me:geheim@h/x", "/run"))
    assert words in str(told)
    assert "postgresql://me:***@h/x" in told.what
    assert told.fix
    assert told.is_lasting is is_lasting


def test_a_server_that_is_down_is_told():
    store = open_store(f"postgresql://me:geheim@127.0.0.1:{free_port()}/x", "/run")
    with pytest.raises(
        StoreError, match=r"postgresql://me:\*\*\*@127.*: the server cannot be reached"
    ) as told:
        store.positions()
    assert "geheim" not in str(told.value)
    assert not told.value.is_lasting
    store.close()


class Gatekeeper:
    """Speaks as much of PostgreSQL's protocol as it takes to refuse a password."""

    def __init__(self, state: str, text: str) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._fields = f"SFATAL\0VFATAL\0C{state}\0M{text}\0\0".encode()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        peer, _ = self._listener.accept()
        with peer:
            while True:
                size = struct.unpack("!I", peer.recv(4, socket.MSG_WAITALL))[0]
                body = peer.recv(size - 4, socket.MSG_WAITALL)
                if size != 8:  # no question for TLS or GSSAPI: the start itself
                    break
                peer.sendall(b"N")
            assert b"user\0me\0" in body
            peer.sendall(b"R" + struct.pack("!II", 8, 3))  # the password in clear, please
            assert peer.recv(1, socket.MSG_WAITALL) == b"p"
            size = struct.unpack("!I", peer.recv(4, socket.MSG_WAITALL))[0]
            assert peer.recv(size - 4, socket.MSG_WAITALL) == b"geheim\0"
            peer.sendall(b"E" + struct.pack("!I", len(self._fields) + 4) + self._fields)

    def close(self) -> None:
        self._thread.join(10)
        self._listener.close()


@pytest.mark.parametrize(
    ("state", "text", "words"),
    [
        ("28P01", 'password authentication failed for user "me"', "refuses the user or the password"),
        ("3D000", 'database "x" does not exist', "no such database"),
    ],
)
def test_a_server_that_refuses_is_told(state, text, words):
    keeper = Gatekeeper(state, text)
    store = open_store(f"postgresql://me:geheim@127.0.0.1:{keeper.port}/x", "/run")
    with pytest.raises(StoreError, match=words) as told:
        store.positions()
    assert "geheim" not in str(told.value)
    assert told.value.is_lasting
    store.close()
    keeper.close()


def test_a_driver_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.delitem(sys.modules, "actors.persistence.postgres_store", raising=False)
    monkeypatch.delattr("actors.persistence.postgres_store", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"driver cannot be loaded.*pip install 'psycopg\[binary\]'"):
        open_store("postgresql://me@127.0.0.1/x", "/run")
