"""What went wrong with a database, in words: what, where, what to do next; never a password. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from sqlalchemy.engine import URL


class StoreError(Exception):
    """Nothing was stored: the transaction is undone, or never began.

    Args:
        what: What is wrong, and with which database; without a password.
        fix: What a person can do.
        is_lasting: Trying again helps only after somebody has done something.
    """

    def __init__(self, what: str, fix: str = "", *, is_lasting: bool = False) -> None:
        super().__init__(f"{what}; {fix}" if fix else what)
        self.what = what
        self.fix = fix
        self.is_lasting = is_lasting


class _Case(NamedTuple):
    """One way to fail, known by its SQLSTATE or by words of its message."""

    states: tuple[str, ...]
    words: tuple[str, ...]
    what: str
    fix: str
    is_lasting: bool


_CASES: Final = (
    _Case(
        ("28P01", "28000"),
        ("authentication failed", "no password supplied", 'role "', "no pg_hba.conf entry"),
        "the server refuses the user or the password",
        "correct `database` in the settings of the persistence actor (or PGPASSWORD, ~/.pgpass)",
        is_lasting=True,
    ),
    _Case(
        ("3D000",),
        ("does not exist",),
        "there is no such database on the server",
        "make it with `createdb`, or correct `database`",
        is_lasting=True,
    ),
    _Case(
        ("53100",),
        ("disk is full", "No space left"),
        "the disk is full",
        "make room, or let less be kept (`retention`); the journal keeps what is not stored yet",
        is_lasting=False,
    ),
    _Case(
        ("25006", "42501"),
        ("readonly database", "read-only", "permission denied"),
        "it cannot be written: read-only",
        "let the user of the persistence actor write it (for a file: the file and its folder), "
        "or name another `database`",
        is_lasting=True,
    ),
    _Case(
        (),
        ("is not a database", "malformed", "file is encrypted"),
        "the file is damaged, or no database",
        "move it away: a new one is filled from the journal",
        is_lasting=True,
    ),
    _Case(
        ("55P03",),
        ("database is locked", "lock timeout"),
        "another program holds it locked",
        "stop the other writer; readers do not lock",
        is_lasting=False,
    ),
    _Case(
        ("42P01",),
        ("no such table", "no such column"),
        "its tables are missing or of another version",
        "run `tapehub db upgrade`",
        is_lasting=True,
    ),
    _Case(
        (),
        ("unable to open database file",),
        "the file cannot be opened",
        "make its folder, writable for the persistence actor",
        is_lasting=True,
    ),
    _Case(
        ("57P01", "57P02", "57P03", "08006", "08001", "08003", "08004"),
        (
            "Connection refused",
            "could not connect",
            "connection failed",
            "server closed the connection",
            "connection is closed",
            "the connection is lost",
            "could not translate host name",
            "failed to resolve host",
            "timeout expired",
            "No such file or directory",
        ),
        "the server cannot be reached",
        "start it, or correct `database`; the journal keeps what is not stored yet",
        is_lasting=False,
    ),
)
_UNKNOWN: Final = "`tapehub db current` says whether it answers"


def explain(error: BaseException, url: URL) -> StoreError:
    """The error of a driver as one of ours: the case it is, and the driver's first line."""
    from actors.persistence.database_url import shown, without_password  # noqa: PLC0415 - they need StoreError

    if isinstance(error, StoreError):
        return error
    cause = getattr(error, "orig", None) or error
    text = without_password(str(cause), url)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    first = lines[0] if lines else type(cause).__name__
    state = getattr(cause, "sqlstate", None) or ""
    for case in _CASES:
        if state in case.states or (not state and any(word in text for word in case.words)):
            return StoreError(
                f"database {shown(url)}: {case.what} ({first})", case.fix, is_lasting=case.is_lasting
            )
    return StoreError(f"database {shown(url)}: {first}", _UNKNOWN)
