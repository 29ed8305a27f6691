"""`tapehub db`: upgrade, current, stats, downgrade of the database that the persistence actor writes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tapehub.cli import exit_codes
from tapehub.cli.context import current as context
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson
from tapehub.cli.output import bytes_text, note, print_json, print_table, say, utc_text

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine

NO_DATABASE = "none"
"""What stands in the settings of an actor that writes Parquet only."""
Database = Annotated[
    str,
    typer.Option(
        "--database",
        metavar="URL",
        help="Instead of the first persistence actor's: a URL, or persistence.2.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="The database: its schema, and what it holds.", no_args_is_help=True)
    group.command("upgrade")(upgrade)
    group.command("current")(current)
    group.command("stats")(stats)
    group.command("downgrade")(downgrade)
    app.add_typer(group, name="db")


def upgrade(database: Database = "", as_json: AsJson = False) -> None:
    """Bring the schema up to date; an empty database gets its tables, TimescaleDB its hypertables.

    tapehub db upgrade

    tapehub db upgrade --database postgresql://user@host/market
    """
    from actors.persistence import schema

    with _engine(database, is_reader=False) as (engine, url):
        before = _version(engine)
        schema.refuse_future(before, url)
        schema.upgrade(engine)
        _say_change(url, before, _version(engine), as_json)


def downgrade(
    revision: Annotated[str, typer.Argument(help="Version to go back to; base removes every table.")],
    yes: Annotated[bool, typer.Option("--yes", help="Yes, lose what the older version cannot hold.")] = False,
    database: Database = "",
    as_json: AsJson = False,
) -> None:
    """Take the schema back to an older version, and lose what that cannot hold. Stop the persistence actor first.

    tapehub db downgrade base --yes
    """
    from actors.persistence import schema

    known = ("base", *schema.KNOWN)
    if revision not in known:
        what = f"no version {revision!r}; there are {', '.join(known)}"
        raise Failure(what, "tapehub db current", exit_codes.USAGE)
    with _engine(database, is_reader=False) as (engine, url):
        before = _version(engine)
        schema.refuse_future(before, url)
        if not before or (revision != "base" and revision > before):
            have = f"at version {before}" if before else "without tables"
            raise Failure(f"the database is {have}: no way down to {revision}", "tapehub db upgrade")
        if not yes:
            what = f"going from {before} to {revision} removes tables or columns with all that is in them"
            raise Failure(what, f"tapehub db downgrade {revision} --yes", exit_codes.USAGE)
        schema.downgrade(engine, revision)
        _say_change(url, before, _version(engine), as_json)


def current(database: Database = "", as_json: AsJson = False) -> None:
    """Version of the schema, and whether it is ours. Exit 3 if it is not.

    tapehub db current --json
    """
    from actors.persistence import schema
    from actors.persistence.database_url import shown

    with _engine(database, is_reader=True) as (engine, url):
        version = _version(engine)
        state = (
            "up to date"
            if version == schema.HEAD
            else "empty"
            if not version
            else "older"
            if version in schema.KNOWN
            else "newer"
        )
        if as_json:
            print_json({"database": shown(url), "version": version, "newest": schema.HEAD, "state": state})
        else:
            say(f"{shown(url)}: schema {version or 'none'}, {state}; this program has {schema.HEAD}")
        if state != "up to date":
            if not as_json:
                note("try: install the newer tapehub" if state == "newer" else "try: tapehub db upgrade")
            raise typer.Exit(exit_codes.DEGRADED)


def stats(
    check: Annotated[
        bool, typer.Option("--check", help="Look at every row for doubles: slow on a large database.")
    ] = False,
    database: Database = "",
    as_json: AsJson = False,
) -> None:
    """Rows and size of every table, how far each publisher is stored, holes, dead letters, refused doubles.

    With --check exit 3 if anything is stored twice.

      tapehub db stats

      tapehub db stats --check --json
    """
    import msgspec

    from actors.persistence import schema
    from actors.persistence.stats import doubled, stats_of

    with _engine(database, is_reader=True) as (engine, url):
        version = _version(engine)
        schema.refuse_future(version, url)
        if not version:
            raise Failure("the database has none of our tables", "tapehub db upgrade", exit_codes.NO_DATA)
        found = stats_of(engine, url)
        twice = doubled(engine) if check else None
    if as_json:
        whole: dict[str, Any] = msgspec.to_builtins(found)
        print_json(whole if twice is None else {**whole, "doubled": msgspec.to_builtins(twice)})
    else:
        _show(found)
        if twice is not None:
            for one in twice:
                say(f"FAIL  {one.kind}: {one.count} times one {one.what} in more than one row")
            if not twice:
                say("OK    nothing is stored twice")
    if twice:
        raise typer.Exit(exit_codes.DEGRADED)


def _show(found: Any) -> None:
    extension = f", TimescaleDB {found.timescaledb}" if found.timescaledb else ""
    say(f"{found.database}: schema {found.version}, {bytes_text(found.bytes)}{extension}")
    say()
    rows = [
        (
            one.table + (" (hypertable)" if one.is_hypertable else ""),
            f"{'~' if one.is_estimate else ''}{one.rows:,}",
            bytes_text(one.bytes) if one.bytes is not None else "",
        )
        for one in found.tables
    ]
    print_table(("TABLE", "ROWS", "SIZE"), rows, right=("ROWS", "SIZE"))
    say()
    if found.positions:
        positions = [
            (one.publisher, str(one.epoch), str(one.seq), utc_text(one.updated_ns)) for one in found.positions
        ]
        print_table(("PUBLISHER", "EPOCH", "SEQ", "STORED AT"), positions, right=("SEQ",))
        say()
    refused = ", ".join(f"{count} {kind}" for kind, count in sorted(found.refused_doubles.items())) or "none"
    say(
        f"holes {found.holes}, dead letters {found.dead_letters}, orphans {found.orphans}, refused doubles {refused}"
    )


def _say_change(url: URL, before: str, after: str, as_json: bool) -> None:
    from actors.persistence.database_url import shown

    if as_json:
        print_json({"database": shown(url), "before": before, "after": after})
    elif before == after:
        say(f"{shown(url)}: schema {after} already")
    else:
        say(f"{shown(url)}: schema {before or 'none'} -> {after or 'none'}")


def _version(engine: Engine) -> str:
    from actors.persistence import schema

    with engine.connect() as connection:
        return schema.current(connection)


@contextlib.contextmanager
def _engine(database: str, *, is_reader: bool) -> Iterator[tuple[Engine, URL]]:
    """The database that is meant; whatever it says becomes a failure without its password."""
    from sqlalchemy.exc import SQLAlchemyError

    from actors.persistence.database_url import parse_url
    from actors.persistence.failures import StoreError, explain
    from actors.persistence.opening import engine_of

    is_ours = not database or database in context().actors_of("persistence")
    run_dir = str(context().run_dir) if is_ours else "."
    try:
        url = parse_url(_configured(database) if is_ours else database, run_dir)
        engine = engine_of(url, is_reader=is_reader)
        try:
            yield engine, url
        except (SQLAlchemyError, OSError) as error:
            raise explain(error, url) from error
        finally:
            engine.dispose()
    except StoreError as error:
        code = exit_codes.FAILURE if error.is_lasting else exit_codes.UNREACHABLE
        raise Failure(error.what, error.fix, code) from error


def _configured(name: str = "") -> str:
    """`database` of a persistence actor, the first one by default; empty, which means the default, if there is none."""
    names = [name] if name else context().actors_of("persistence")
    section = context().loaded.common.actors.get(names[0]) if names else None
    written = str((section or {}).get("database") or "")
    if written == NO_DATABASE:
        what = f"{names[0]} writes no database: its `database` is {NO_DATABASE}"
        raise Failure(what, "name another one: --database URL", exit_codes.NO_DATA)
    return written
