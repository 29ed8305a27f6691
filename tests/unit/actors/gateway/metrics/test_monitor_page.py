"""docs/howto/monitor.md names every metric and every check as they are."""

from __future__ import annotations

import re

from actors.gateway.metrics.catalogue import FAMILIES
from tests.support.paths import ROOT
from tests.unit.actors.gateway.metrics.fleet_world import full_world

PAGE = (ROOT / "docs" / "howto" / "monitor.md").read_text()


def test_the_table_of_metrics_is_the_catalogue() -> None:
    table = (
        PAGE.partition("| metric | type | labels | meaning |\n|---|---|---|---|\n")[2].strip().splitlines()
    )
    assert table == [
        f"| `{one.name}` | {one.kind} | {' '.join(f'`{name}`' for name in one.labels) or '-'} | {one.help} |"
        for one in FAMILIES.values()
    ]


def test_the_table_of_checks_is_what_health_looks_at() -> None:
    table = PAGE.partition("| check | not ok when |\n|---|---|\n")[2].partition("\n\n")[0]
    checks = full_world().get("/health/ready").json()["checks"]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [check["name"] for check in checks]


def test_names_keep_the_conventions_of_prometheus() -> None:
    for one in FAMILIES.values():
        assert re.fullmatch(r"[a-z][a-z_]+", one.name)
        assert one.name.endswith("_total") is (one.kind == "counter")
        assert one.name == one.name.removesuffix("_count").removesuffix("_sum").removesuffix("_bucket")
        assert not re.search(r"_(ms|milliseconds|ns|percent|kb|mb)\b", one.name)
        assert ("quantile" in one.labels) is (one.kind == "summary")
        assert one.help
        assert "\\" not in one.help
        assert "\n" not in one.help
