"""What every file of the repository keeps to."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest

from tests.support.paths import ROOT

LONGEST_FILE_LINES = 400
IMAGINARY = ("spread", "lopsided")
"""The actor and the detector rule that pages in docs/howto make up."""
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
CODE = sorted(
    path
    for folder in ("protocol", "actors", "tapehub", "scripts", "tests")
    for path in (ROOT / folder).rglob("*.py")
)


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    long = {
        str(path.relative_to(ROOT)): lines for path in CODE if (lines := _lines(path)) > LONGEST_FILE_LINES
    }
    assert not long, f"split by meaning: {long}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name}: {target} is not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_pages_name_exist(page) -> None:
    """`path/to/file.py` in backticks is a promise; a name with <> or * is a pattern, var/ is made at run time."""
    for name in re.findall(
        r"`((?:protocol|actors|tapehub|config|scripts|tests|docs)/[\w./-]+)`", page.read_text()
    ):
        assert any(word in name for word in IMAGINARY) or (ROOT / name).exists(), (
            f"{page.name}: {name} is not there"
        )


def test_make_lists_every_target_and_all_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE))
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)[1].split())
    assert targets == phony
    assert targets == set(re.findall(r"^  make ([a-z-]+)", listed, flags=re.MULTILINE))
    for script in re.findall(r"\./(scripts/[\w-]+)", makefile):
        assert (ROOT / script).exists(), script


def test_scripts_start_from_anywhere() -> None:
    for path in (ROOT / "scripts").iterdir():
        if path.is_file() and not path.suffix:
            assert path.stat().st_mode & 0o111, f"{path.name} is not executable"
            assert path.read_text().startswith("#!"), path.name


def test_lock_holds_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run_time = _locked("requirements.txt")
    development = _locked("requirements-dev.txt")
    for line in project["project"]["dependencies"]:
        assert _name(line) in run_time, f"{line}: run `make lock`"
    for line in project["dependency-groups"]["dev"]:
        assert _name(line) in development, f"{line}: run `make lock`"
    for name, versions in run_time.items():
        assert development.get(name) == versions, f"{name} differs between the two locks: run `make lock`"


def test_lock_names_no_index_and_hashes_everything() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text()
        assert "://" not in text, f"{name} names a place"
        for entry in re.split(r"\n(?=[a-z])", text)[1:]:
            assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_changelog_begins_with_what_is_not_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(r"^## \[?Unreleased", text, flags=re.MULTILINE)
    assert re.search(rf"^## \[?{re.escape(version)}", text, flags=re.MULTILINE)


def test_version_is_the_same_everywhere() -> None:
    from actors.runtime.version import VERSION

    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


def test_decisions_are_numbered_and_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [name[:4] for name in records] == [f"{number:04d}" for number in range(1, len(records) + 1)]
    index = (folder / "README.md").read_text()
    for name in records:
        assert f"({name})" in index, f"{name} is not listed in docs/decisions/README.md"


def test_licence_is_the_whole_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def _lines(path) -> int:
    return len(path.read_text().splitlines())


def _name(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")


def _locked(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for package, version in re.findall(
        r"^([a-z0-9.-]+)==(\S+)", (ROOT / name).read_text(), flags=re.MULTILINE
    ):
        found.setdefault(package, []).append(version)
    return found
