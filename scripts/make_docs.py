"""Write the reference pages from the code: docs/messages.md, docs/configuration.md, docs/commands.md.

The docstring under a field is the one place where it is described; these pages only lay it out. A test
compares them with what this program would write now, so run it (`make docs`) after changing a field.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import re
import sys
import textwrap
import typing
from pathlib import Path
from typing import Any, Final

import msgspec

ROOT: Final = Path(__file__).resolve().parents[1]
GENERATED: Final = (
    "<!-- Written by scripts/make-docs from the code. Change the docstrings there, then `make docs`. -->\n"
)

MESSAGES_INTRO: Final = """\
A message is a msgpack array; the number is the index in it. Fields are only ever appended, so a reader takes what
it knows and ignores the rest. Times are int64 nanoseconds since 1970 UTC, prices are in quote currency, sizes in
base currency. How messages travel: [protocol.md](protocol.md)."""

CONFIGURATION_INTRO: Final = """\
Layers, later wins: defaults, the file (`config/tapehub.yaml`, or `--config`), `conf.d/*.yaml` beside it,
`TAPEHUB__SECTION__KEY` in the environment or `.env`, `--set section.key=value`. `tapehub config check` reports all
mistakes at once, `tapehub config show` says what is in force."""

COMMON_FIELDS: Final = {
    "symbol": "Canonical symbol, `BTC_USDT`, `BTC_USDT.PERP`.",
    "venue": "Venue it came from, `binance`.",
    "timeframe": "`1s 1m 5m 15m 1h 4h 1d`.",
    "ts_event_ns": "Venue's clock.",
    "ts_recv_ns": "Our clock, when the bytes left the socket.",
    "ts_open_ns": "Start of the interval.",
    "price": "In quote currency.",
    "size": "In base currency.",
    "bid": "Best bid price.",
    "ask": "Best ask price.",
    "bid_size": "Size at the best bid, base currency.",
    "ask_size": "Size at the best ask, base currency.",
    "open": "First price.",
    "high": "Highest price.",
    "low": "Lowest price.",
    "close": "Last price.",
    "volume": "Traded size, base currency.",
    "buy_volume": "Of it: buyers were the aggressors.",
    "sell_volume": "Of it: sellers were the aggressors.",
    "first_update_id": "Venue's number of the first change in it.",
    "last_update_id": "Venue's number of the last change in it.",
    "values": "Name to number.",
    "publisher": "Publisher name, `collector.binance.1`.",
    "epoch": "The publisher's epoch: new at each start, always larger.",
    "last_seq": "Last sequence number given out.",
    "prev_epoch": "Epoch before this one, 0 if there was none.",
    "prev_last_seq": "Last sequence number of that epoch, 0 if it is not known.",
    "asks": "As `bids`, for the other side.",
    "window_s": "Length of the window, seconds.",
    "is_complete": "False: part of the window was not seen.",
    "source": "Who wrote it.",
    "news_id": "The source's own id; the same news has the same one.",
    "title": "The headline.",
    "url": "Where the whole text is.",
    "symbols": "Canonical symbols it is about.",
    "rule": "Name of the rule that fired.",
    "severity": "info, warning, critical.",
    "text": "One sentence for people.",
    "strategy": "Name of the strategy.",
    "side": "1 buy, -1 sell, 0 close.",
    "entry": "Price to enter at.",
    "stop": "Price of the stop loss.",
    "target": "Price of the target.",
    "confidence": "0 to 1.",
    "inputs": "Name and value of what the signal was made from.",
    "from_ts_ns": "Venue time of the last message before the hole.",
    "filled_by": "Which publisher or source repaired it.",
    "reason": "Why it cannot be filled.",
    "durable_seq": "Last sequence number that is safe on disk, 0 without a journal.",
    "mono_ns": "The publisher's monotonic clock: how long ago it beat, whatever its wall clock does.",
    "boot_id": "Changes at each boot of the host; empty where the system does not say.",
    "host": "Name of the host.",
    "pid": "Process id.",
    "version": "Version of the program.",
    "is_connected": "False: the feed is down, and time goes on without it.",
}
"""What fields mean that have no docstring in the code (one there wins)."""


def field_docs(kind: type) -> dict[str, str]:
    """Docstring under each annotated field of a class and its bases, on one line."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__ in ("builtins", "msgspec", "msgspec._core", "typing"):
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        body = typing.cast("ast.ClassDef", tree.body[0]).body
        for statement, after in itertools.pairwise(body):
            if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
                continue
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                found[statement.target.id] = " ".join(str(after.value.value).split())
    return found


_MODULE: Final = re.compile(r"\b(?:[a-z_]\w*\.)+(?=[A-Za-z_])")
"""Where a type is from, which is nothing to a reader."""


def type_name(hint: Any) -> str:
    """Short name of a field's type."""
    if isinstance(hint, type) and not typing.get_args(hint):
        return hint.__name__
    return _MODULE.sub("", str(hint)).replace("NoneType", "None")


def cell(text: str) -> str:
    """Text that cannot break a table."""
    return text.replace("|", "\\|")


def message_section(kind: type[Any]) -> list[str]:
    """One message: what it is, its topic, its fields in wire order."""
    hints = typing.get_type_hints(kind)
    docs = field_docs(kind)
    lines = [
        f"## {kind.__name__}",
        "",
        " ".join((kind.__doc__ or "").split()),
        "",
        f"Kind `{kind.KIND}`, schema {kind.SCHEMA} (type {kind.SCHEMA >> 8}, version {kind.SCHEMA & 255}).",
        "",
        "| # | field | type | meaning |",
        "|---|---|---|---|",
    ]
    for number, name in enumerate(kind.__struct_fields__):
        meaning = docs.get(name) or COMMON_FIELDS.get(name, "")
        lines.append(f"| {number} | `{name}` | {cell(type_name(hints[name]))} | {cell(meaning)} |")
    return [*lines, ""]


def messages_page() -> str:
    """docs/messages.md."""
    from protocol.messages import MESSAGE_TYPES  # noqa: PLC0415 - after the path is set

    head = [
        "# Messages",
        "",
        GENERATED,
        MESSAGES_INTRO,
        "",
    ]
    return "\n".join([*head, *(line for kind in MESSAGE_TYPES for line in message_section(kind))])


def actor_types() -> dict[str, type[Any]]:
    """Kind to class of every actor there is: each folder of actors/ that can be started."""
    from actors.runtime.actor import Actor  # noqa: PLC0415 - after the path is set

    found: dict[str, type[Any]] = {}
    for main in sorted((ROOT / "actors").glob("*/__main__.py")):
        module = importlib.import_module(f"actors.{main.parent.name}.actor")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Actor) and value.__module__ == module.__name__:
                found[value.kind] = value
    return found


def settings_table(kind: type[Any], prefix: str = "") -> list[str]:
    """Rows of one settings struct; a struct inside it follows with a dotted name."""
    hints = typing.get_type_hints(kind)
    docs = field_docs(kind)
    rows = []
    for field in msgspec.structs.fields(kind):
        hint = hints[field.name]
        name = f"{prefix}{field.name}"
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            rows += settings_table(hint, f"{name}.")
            continue
        meaning = docs.get(field.name, "")
        rows.append(f"| `{name}` | {cell(type_name(hint))} | {default_of(field)} | {cell(meaning)} |")
        inner = typing.get_args(hint)[-1:] if typing.get_origin(hint) is dict else ()
        if inner and isinstance(inner[0], type) and issubclass(inner[0], msgspec.Struct):
            rows += settings_table(inner[0], f"{name}.NAME.")
    return rows


def default_of(field: msgspec.structs.FieldInfo) -> str:
    """A field's default as it would stand in YAML."""
    value = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
    if value is msgspec.NODEFAULT:
        return "required"
    text = msgspec.json.encode(value).decode()
    return f"`{cell(text)}`" if len(text) <= 60 else "see `config/tapehub.yaml`"


def configuration_page() -> str:
    """docs/configuration.md."""
    from actors.runtime.settings import Common  # noqa: PLC0415 - after the path is set

    header = ["| setting | type | default | meaning |", "|---|---|---|---|"]
    lines = [
        "# Configuration",
        "",
        GENERATED,
        CONFIGURATION_INTRO,
        "",
        "## For every process",
        "",
        *header,
        *(row for row in settings_table(Common) if not row.startswith("| `actors`")),
        "",
    ]
    for kind, actor in actor_types().items():
        about = " ".join((actor.__doc__ or "").split())
        lines += [
            f"## {kind}",
            "",
            about,
            "",
            f"Under `actors:`, one entry per instance, `{kind}.1`.",
            "",
            *header,
        ]
        lines += [*settings_table(actor.Settings), ""]
    return "\n".join(lines)


def commands_page() -> str:
    """docs/commands.md."""
    from scripts.command_docs import commands_page as render  # noqa: PLC0415 - after the path is set

    return render(GENERATED)


PAGES: Final = {
    "messages.md": messages_page,
    "configuration.md": configuration_page,
    "commands.md": commands_page,
}


def main() -> int:
    """Write every page that has changed."""
    for name, render in PAGES.items():
        path = ROOT / "docs" / name
        text = render()
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
