"""`./scripts/bench [all | more | SUITE...] [--rounds N] [--quick] [--json [FILE]] [--out DIR]`: goal, measured, ratio, verdict."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Final

from tests.bench import document, evidence, goals, growth, peers
from tests.bench.report import Row, as_json, machine, say, table
from tests.support.paths import ROOT

PROMISED: Final = (
    "reads",
    "windows",
    "board",
    "bus",
    "e2e",
    "pipeline",
    "push",
    "indicators",
    "storage",
    "startup",
    "capacity",
)
"""What decides the promises of `goals.py`, and who else there is."""
MORE: Final = (
    "transports",
    "curve",
    "journal",
    "orderflow",
    "dbn",
    "rest",
    "gateway",
    "dashboard",
    "signals",
    "scale",
    "shards",
    "growth",
)
"""Each part's own."""
GROUPS: Final = {"all": PROMISED, "more": MORE}
RESULT: Final = "bench.json"
_EPILOG: Final = """\
  ./scripts/bench all --out var/bench            every promise, about 20 minutes on two quiet cores; --quick: three
  ./scripts/bench reads bus --rounds 9           single suites
  ./scripts/bench --doc var/bench/bench.json     docs/benchmarks.md and its pictures from a run

DIR of --out gets bench.json and the pictures. What `./scripts/guardian-check --json` and `./scripts/soak --json` printed is put into
the table if it is there as guardian-check.json and soak.json; growth.json of `./scripts/bench growth` becomes part of the page.

exit 0: all was run, whatever the verdicts say    1: a suite failed    2: usage    3: a goal was missed, with --strict
"""


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=(__doc__ or "").partition(": ")[2],
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known = " ".join((*PROMISED, *MORE))
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"all (default), more, or any of {known}")
    parser.add_argument("--rounds", type=int, default=0, help="interleaved rounds; default 5, 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work: does it run at all")
    parser.add_argument("--strict", action="store_true", help="exit 3 if a goal is missed")
    parser.add_argument(
        "--json", nargs="?", const="-", metavar="FILE", help="the result as JSON, on stdout by default"
    )
    parser.add_argument(
        "--note", default="", metavar="TEXT", help="what was special about this run, for its page"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write bench.json and the pictures there")
    parser.add_argument(
        "--doc",
        type=Path,
        metavar="FILE",
        help="write docs/benchmarks.md from the JSON of a run, and keep that beside it; runs nothing",
    )
    found = parser.parse_args()
    unknown = set(found.suites) - {*PROMISED, *MORE, *GROUPS}
    if unknown:
        parser.error(
            f"no suite {', '.join(sorted(unknown))}; there are all, more, {known.replace(' ', ', ')}"
        )
    return found


def chosen(words: list[str]) -> list[str]:
    """Suites, each once, in the order they are named."""
    found = [name for word in words or ["all"] for name in GROUPS.get(word, (word,))]
    return list(dict.fromkeys(found))


def measured(suites: list[str], rounds: int, *, is_quick: bool) -> tuple[list[Row], dict[str, str]]:
    """Run them; rows, and those that failed with the reason. One that fails does not stop the others."""
    rows: list[Row] = []
    failed: dict[str, str] = {}
    for name in suites:
        say(f"% {name}: {rounds} interleaved rounds")
        began_s = time.monotonic()
        try:
            rows += importlib.import_module(f"tests.bench.{name}").run(rounds, quick=is_quick)
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is told, and the next suite is run
            failed[name] = f"{type(fault).__name__}: {fault}".partition("\n")[0]
            say(traceback.format_exc())
        say(f"% {name}: {time.monotonic() - began_s:.0f} s")
    return rows, failed


def write_pages(result: dict[str, Any], pictures: Path, page: Path | None = None) -> None:
    """Write the pictures of a result, and its page if one is wanted."""
    pictures.mkdir(parents=True, exist_ok=True)
    for name, svg in document.images(result).items():
        (pictures / name).write_text(svg, encoding="utf-8")
    if page is not None:
        page.write_text(document.page(result), encoding="utf-8")


def main() -> int:
    """Run what was named, print one table."""
    wanted = arguments()
    if wanted.doc is not None:
        docs, result = ROOT / "docs", json.loads(wanted.doc.read_text())
        curves = wanted.doc.parent / growth.RESULT.name
        if curves.is_file():
            result["growth"] = json.loads(curves.read_text())
        (docs / "benchmarks.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        write_pages(result, docs / document.IMAGES, docs / "benchmarks.md")
        return 0
    rounds = wanted.rounds or (1 if wanted.quick else 5)
    began_s = time.monotonic()
    facts: dict[str, Any] = {
        "at": f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC",
        "note": wanted.note,
        "rounds": rounds,
        "quick": wanted.quick,
    }
    before = machine()
    rows, facts["failed"] = measured(chosen(wanted.suites), rounds, is_quick=wanted.quick)
    if wanted.out is not None:
        rows += evidence.rows_in(wanted.out)
    facts |= {
        "seconds": round(time.monotonic() - began_s),
        "peers": peers.facts(peers.all_of_them()),
        "machine": before,
    }
    text = as_json(rows, facts)
    if wanted.out is not None:
        wanted.out.mkdir(parents=True, exist_ok=True)
        (wanted.out / RESULT).write_text(text, encoding="utf-8")
        write_pages(json.loads(text), wanted.out)
    if wanted.json == "-":
        print(text)
    else:
        if wanted.json:
            Path(wanted.json).write_text(text, encoding="utf-8")
        print(table(rows))
        print(f"\n{goals.text_of(goals.outcomes(rows))}")
        print("\n" + "  ".join(f"{key}={value}" for key, value in {**before, **facts["peers"]}.items()))
    if facts["failed"]:
        return 1
    return 3 if wanted.strict and any(row.verdict == "MISS" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
