"""The rule of docs/howto/add-a-detector.md does what the page says: one file, found by itself."""

import importlib.util
import sys

import pytest

from actors.detector import catalogue
from protocol.messages import Quote
from tests.support.examples import example
from tests.support.paths import ROOT
from tests.unit.actors.detector.rig import Rig, ns


@pytest.fixture
def rules(tmp_path):
    """All rules, with the page's file lying beside ours."""
    (tmp_path / "lopsided.py").write_text(example(ROOT / "docs" / "howto" / "add-a-detector.md", "lopsided"))
    package = catalogue.folder
    package.__path__.append(str(tmp_path))
    importlib.invalidate_caches()
    try:
        yield catalogue.all_rules.__wrapped__()
    finally:
        package.__path__.remove(str(tmp_path))
        sys.modules.pop(f"{package.__name__}.lopsided", None)
        vars(package).pop("lopsided", None)


def test_detector_of_the_page_is_found_and_finds(rules):
    assert "lopsided" in [rule.name for rule in rules]
    rig = Rig({"rules": {"lopsided": {"severity": "info"}}}, rules=rules, only=["lopsided"])

    def quote(number, bid_size):
        size = 1.0 + number % 3 / 10
        message = Quote("BTC_USDT", "binance", ns(number / 10), ns(0), 99.0, 101.0, bid_size, size)
        return rig.feed.frame("quote.binance.BTC_USDT", [message])

    assert rig.take(quote(0, 1e6), *(quote(number, 1.0) for number in range(1, 600))) == []
    rig = rig.restarted()
    (alert,) = rig.take(quote(600, 100.0))
    assert (alert.rule, alert.severity) == ("lopsided", "info")
    assert alert.values["z"] > 4


def test_detector_catalogue_refuses_nameless_and_twins():
    from actors.detector.rule import Rule

    nameless = type("Nameless", (Rule,), {"__module__": __name__})
    first, second = (type(word, (Rule,), {"__module__": __name__, "name": "twin"}) for word in ("A", "B"))
    for things, words in (({"a": nameless}, "needs a name"), ({"a": first, "b": second}, "called 'twin'")):
        module = type(sys)(__name__)
        vars(module).update(things)
        with pytest.raises(ValueError, match=words):
            catalogue.rules_of([module])
