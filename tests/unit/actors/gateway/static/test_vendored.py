"""What the dashboard is made of: pinned, licensed, unchanged, and nothing from elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from scripts.dashboard_modules import needed, page_of
from tests.support.paths import ROOT

STATIC = ROOT / "actors" / "gateway" / "static"
VENDOR = STATIC / "vendor"
FOLDERS = sorted(path for path in VENDOR.iterdir() if path.is_dir())
OURS = sorted(
    path for pattern in ("app/**/*.js", "css/*.css", "*.html", "*.svg") for path in STATIC.glob(pattern)
)
MODULES = [path for path in OURS if path.suffix == ".js"]
LINK = "https://www.tradingview.com/"
NAMESPACE = "http://www.w3.org/2000/svg"
MOST_LINES = 400


def test_every_vendored_file_is_what_was_vendored() -> None:
    listed = dict(reversed(line.split("  ", 1)) for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    found = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in FOLDERS
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found
    assert found == listed


def test_folders_are_what_the_package_lock_pins() -> None:
    pinned = json.loads((ROOT / "scripts/vendor/package.json").read_text())["dependencies"]
    locked = json.loads((ROOT / "scripts/vendor/package-lock.json").read_text())["packages"]
    assert {folder.name for folder in FOLDERS} == {f"{name}@{version}" for name, version in pinned.items()}
    for name, version in pinned.items():
        assert locked[f"node_modules/{name}"]["version"] == version
        assert locked[f"node_modules/{name}"]["integrity"].startswith("sha512-")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_library_has_its_licence_and_a_notice(folder: Path) -> None:
    name, _, version = folder.name.partition("@")
    notices = (ROOT / "THIRD_PARTY_NOTICES").read_text()
    assert (folder / "LICENSE").read_text().strip()
    assert re.search(rf"^{re.escape(name)} {re.escape(version)}, ", notices, re.MULTILINE | re.IGNORECASE)


def test_the_charting_library_is_named_as_its_licence_wants() -> None:
    notice = "TradingView Lightweight Charts\nCopyright (c) 2026 TradingView, Inc. " + LINK
    assert notice in (ROOT / "THIRD_PARTY_NOTICES").read_text()
    assert f'"{LINK}"' in (STATIC / "app/chart/view.js").read_text()
    assert "Copyright (c) 2026 TradingView, Inc." in (STATIC / "app/header/help.js").read_text()


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    text = path.read_text().replace(LINK, "").replace(NAMESPACE, "")
    assert re.findall(r"(?:https?|wss?):?//[^\s\"'`)]+", text) == []
    assert not re.search(r"url\(\s*['\"]?(?!data:)|@import|[\"'(]//\w", text)


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.html")), ids=lambda path: path.name)
def test_pages_have_neither_script_nor_style_of_their_own(path: Path) -> None:
    page = path.read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page) == []
    assert "<style" not in page
    assert re.findall(r"<[^>]+\s(?:style|on\w+)\s*=", page) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_modules_never_make_markup_of_text(path: Path) -> None:
    text = path.read_text()
    assert not re.search(
        r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|srcdoc)\b|document\.write|\beval\(", text
    )
    assert not re.search(r"new Function|cssText|createElement\([\"'](?:style|script)", text)
    assert len(text.splitlines()) <= MOST_LINES


def test_the_page_asks_for_all_modules_at_once() -> None:
    page = (STATIC / "index.html").read_text()
    assert page == page_of(page, needed()), "python -m scripts.dashboard_modules"


def test_every_style_sheet_and_script_of_the_page_is_there() -> None:
    page = (STATIC / "index.html").read_text()
    names = re.findall(r'(?:href|src)="([^"#]+)"', page)
    assert names
    assert [name for name in names if not (STATIC / name).is_file()] == []


def test_every_variable_that_a_style_sheet_uses_is_declared() -> None:
    css = {path.name: path.read_text() for path in STATIC.glob("css/*.css")}
    declared = set(re.findall(r"(--[\w-]+)\s*:", "\n".join(css.values())))
    set_by_code = set(re.findall(r'"(--[\w-]+)"', "\n".join(path.read_text() for path in MODULES)))
    used = {name: set(re.findall(r"var\((--[\w-]+)", text)) for name, text in css.items()}
    assert {
        name: sorted(some - declared - set_by_code)
        for name, some in used.items()
        if some - declared - set_by_code
    } == {}
