"""`tapehub topics`: which topics flow, and how much."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tapehub.cli import context
from tapehub.cli.options import AsJson, duration
from tapehub.cli.output import bytes_text, print_json, print_row, print_table
from tapehub.durations import format_clock

if TYPE_CHECKING:
    from protocol.client import TopicInfo
    from tapehub.patterns import TopicPatterns
    from tapehub.tapping import Heard

HUB_S: Final = 1.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("topics")(topics)


def topics(
    ctx: typer.Context,
    wanted: Annotated[
        list[str] | None,
        typer.Argument(metavar="TOPIC", help="Only these; all by default.", show_default=False),
    ] = None,
    for_s: Annotated[
        float, typer.Option("--for", parser=duration, metavar="TIME", help="How long to listen.")
    ] = 2.0,
    as_json: AsJson = False,
) -> None:
    """List the topics that flow now: messages and bytes per second, newest number and time.

    It listens itself, so it works while the hub is down; topics that the hub has heard before and that are
    silent now follow with rate 0. --endpoint names publishers instead of the configured ones.

      tapehub topics

      tapehub topics bar --for 5s --json
    """
    from tapehub.cli import stream

    listener = Meter()
    endpoints = stream.publisher_endpoints(ctx)
    code = stream.listen(listener, endpoints, wanted or [], for_s)
    rows = listener.rates.rows(for_s)
    if not stream.is_endpoint_named(ctx):
        rows = with_silent(rows, _known_to_hub(), stream.checked_patterns(wanted or []))
    if rows or not code:
        print_rates(rows, is_json=as_json, is_document=True)
    raise typer.Exit(code)


def with_silent(
    rows: list[dict[str, Any]], known: Sequence[TopicInfo], patterns: TopicPatterns
) -> list[dict[str, Any]]:
    """The rows, and one with rate 0 for each wanted topic that is known and was not heard; by topic."""
    heard = {row["topic"] for row in rows}
    silent = [
        {
            "topic": info.topic,
            "per_s": 0.0,
            "bytes_per_s": 0,
            "last_seq": info.topic_seq,
            "last_ts_ns": info.ts_pub_ns,
            "publisher": info.publisher,
        }
        for info in known
        if info.topic not in heard and patterns.matches(info.topic)
    ]
    return sorted([*rows, *silent], key=lambda row: str(row["topic"]))


def _known_to_hub() -> Sequence[TopicInfo]:
    """What the first hub that runs has heard, nothing if none answers."""
    from protocol.client import Hub
    from protocol.errors import HubError
    from tapehub.asking import is_listening

    places = [place for place in context.current().hub_endpoints if is_listening(place)]
    if not places:
        return ()
    try:
        with Hub(places, timeout_s=HUB_S) as hub:
            return hub.topics()
    except HubError:
        return ()


class Meter:
    """Counts frames by topic."""

    def __init__(self) -> None:
        from tapehub.rates import RateMeter

        self.messages = 0
        self.rates = RateMeter()

    def on_frame(self, heard: Heard) -> bool:
        """Count it."""
        self.rates.add(heard.frame)
        self.messages += 1
        return False

    def on_pause(self) -> None:
        """Nothing to do until the end."""


def print_rates(rows: Sequence[Mapping[str, Any]], *, is_json: bool, is_document: bool = False) -> None:
    """Rates by topic, as a table, one JSON document, or one JSON object a line."""
    if is_json and is_document:
        print_json(rows)
    elif is_json:
        for row in rows:
            print_row(row)
    else:
        titles = ["TOPIC", "MSG/S", "BYTES/S", "LAST_SEQ", "LAST", "PUBLISHER"]
        cells = [
            [
                row["topic"],
                f"{row['per_s']:.1f}",
                bytes_text(row["bytes_per_s"]),
                str(row["last_seq"]),
                format_clock(row["last_ts_ns"]),
                row["publisher"],
            ]
            for row in rows
        ]
        print_table(titles, cells, right=("MSG/S", "BYTES/S", "LAST_SEQ"))
        sys.stdout.flush()
