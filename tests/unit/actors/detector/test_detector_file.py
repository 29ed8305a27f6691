"""`detectors.yaml`: what is in force for whom, mistakes with their places, other thresholds while it runs."""

import os
import re

import msgspec
import pytest
import yaml

from actors.detector.catalogue import all_rules
from actors.detector.detectors_file import DetectorsFile
from actors.detector.usd import STABLE_COINS
from protocol.errors import ConfigError
from tests.support.paths import ROOT
from tests.unit.actors.detector.rig import CATALOG, Rig


@pytest.fixture
def file(tmp_path):
    def write(text, **options):
        path = tmp_path / "detectors.yaml"
        path.write_text(text)
        return DetectorsFile(path, CATALOG, **options)

    return write


def problems(file):
    with pytest.raises(ConfigError) as caught:
        file.load()
    assert file.problems == caught.value.problems
    return [problem.replace(str(file.path), "F") for problem in caught.value.problems]


def test_detector_thresholds_for_all_for_some_and_by_default(file):
    found = file(
        """
rules:
  big_trade: {least_notional_usd: 500000, z: 4}
symbols:
  "BTC_*": {big_trade: {least_notional_usd: 2000000}}
  BTC_USDT.PERP: {big_trade: {least_notional_usd: 9e6}, sweep: {enabled: false}}
  "*_BTC":
"""
    )
    found.load()
    of = found.book.of
    rows = [
        (of("big_trade", symbol).least_notional_usd, of("big_trade", symbol).z, of("sweep", symbol).enabled)
        for symbol in ("ETH_USDT", "BTC_USDT", "BTC_USDT.PERP")
    ]
    assert rows == [(500_000.0, 4.0, True), (2_000_000.0, 4.0, True), (9_000_000.0, 4.0, False)]
    assert of("big_trade", "ETH_USDT").window == 600


def test_detector_file_names_every_mistake_with_place_and_suggestion(file):
    found = file(
        """
rules:
  big_trad: {z: 4}
  sweep: {levels: many, cool_down: 3}
  crossed: {crossed_for_s: -1}
symbols:
  "BTC_*": {stale: {severity: warn}}
"""
    )
    assert problems(found) == [
        "F:3:3: rules.big_trad: unknown key; did you mean 'big_trade'?",
        "F:4:19: rules.sweep.levels: expected an integer >= 1 and <= 100000 (got 'many')",
        "F:4:25: rules.sweep.cool_down: unknown key; did you mean 'cool_down_s'?",
        "F:5:28: rules.crossed.crossed_for_s: expected a number >= 0 (got '-1')",
        "F:7:31: symbols.BTC_*.stale.severity: expected one of info, warning, critical (got 'warn'); did you mean 'warning'?",
    ]


def test_detector_file_knows_the_symbols_and_yaml(file):
    assert problems(file("symbols: {BTC_USD: {}, BTC_USDT: {}}")) == [
        "F:1:11: symbols.BTC_USD: no such instrument in the symbols file; did you mean 'BTC_USDT'?"
    ]
    assert "not YAML" in problems(file("rules: {"))[0]
    assert problems(file("- a"))[0] == "F:1:1: expected a mapping of keys to values at the top"


def test_detector_file_that_is_missing_or_broken_leaves_what_was_in_force(file):
    found = file("rules: {big_trade: {z: 7}}")
    found.load()
    assert not found.is_changed()
    found.path.write_text("rules: {big_trade: {z: seven}}")
    assert found.is_changed()
    assert len(problems(found)) == 1
    assert not found.is_changed()
    found.path.unlink()
    assert found.is_changed()
    assert "cannot read it: No such file" in problems(found)[0]
    assert found.book.of("big_trade", "BTC_USDT").z == 7.0
    found.path.write_text("rules: {big_trade: {z: 8}}")
    os.utime(found.path, ns=(1, 1))
    assert found.is_changed()
    found.load()
    assert (found.problems, found.loads, found.book.of("big_trade", "BTC_USDT").z) == ([], 2, 8.0)


def test_detector_file_is_needed_only_where_it_was_asked_for(tmp_path):
    path = tmp_path / "none.yaml"
    optional = DetectorsFile(path, CATALOG, is_optional=True)
    optional.load()
    assert (optional.loads, optional.is_changed()) == (0, False)
    path.write_text("")
    assert optional.is_changed()
    optional.load()
    path.unlink()
    assert "cannot read it" in problems(DetectorsFile(path, CATALOG))[0]


def test_detector_reload_is_in_force_at_once_and_keeps_statistics():
    rig = Rig(only=["big_trade", "crossed"])
    for second in range(150):
        rig.take(rig.feed.trade(second, 100.0, 0.8 + second % 5 / 10))
    big = {"big_trade": {"least_notional_usd": "1000000"}}
    rig.fold.use(Rig({"rules": big}).book)
    assert rig.take(rig.feed.trade(150, 100.0, 5_000.0)) == []
    rig.fold.use(Rig({"rules": {"big_trade": {"enabled": "false"}}}).book)
    assert rig.take(rig.feed.trade(151, 100.0, 50_000.0)) == []
    rig.fold.use(Rig({"rules": big}).book)
    (alert,) = rig.take(rig.feed.trade(152, 100.0, 50_000.0))
    assert alert.values["n"] == 151  # 150 and the one that was below; a rule that is off learns nothing
    rig.fold.use(Rig({"stable_coins": []}).book)
    rig.take(rig.feed.mark(153))
    assert rig.take(rig.feed.trade(300, 100.0, 50_000.0)) == []
    assert rig.counters["unjudged"] == 1


def test_detector_file_of_the_repository_shows_every_default():
    text = (ROOT / "config" / "detectors.yaml").read_text()
    shown = re.sub(r"^( *)# ([a-z_]+: [^ \n]+|stable_coins: .*?)( *#.*)?$", r"\1\2", text, flags=re.MULTILINE)
    head, _, rest = shown.partition("\nrules:")
    data = yaml.safe_load("rules:" + rest)
    assert list(data["rules"]) == [rule.name for rule in all_rules()]
    for rule in all_rules():
        assert data["rules"][rule.name] == msgspec.to_builtins(rule.Thresholds()), rule.name
    assert f"stable_coins: [{', '.join(STABLE_COINS)}]" in head
    in_force = DetectorsFile(ROOT / "config" / "detectors.yaml", CATALOG)
    in_force.load()
    assert in_force.book.of("sweep", "BTC_USDT") == Rig().book.of("sweep", "BTC_USDT")


def test_detector_thresholds_are_all_documented():
    for rule in all_rules():
        assert rule.__doc__
        assert rule.Thresholds.__doc__
