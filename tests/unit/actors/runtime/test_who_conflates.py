"""Only who shows the newest may leave anything out: a fold, a store or a mirror that did would be wrong for ever."""

from tests.support.paths import ROOT

MAY = {"actors/hub/actor.py", "actors/gateway/actor.py"}


def test_hub_and_gateway_conflate_quotes_and_nobody_else_anything():
    found = {
        str(path.relative_to(ROOT)): line.strip()
        for path in (ROOT / "actors").rglob("*.py")
        if "runtime" not in path.parts
        for line in path.read_text().splitlines()
        if "CONFLATES" in line
    }

    assert found == dict.fromkeys(MAY, 'CONFLATES = ("quote.",)')
