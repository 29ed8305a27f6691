"""Which modules the dashboard's first view needs: the `modulepreload` lines of its index.html, so that the browser asks
for all of them at once instead of finding one behind the other. `python -m scripts.dashboard_modules` writes them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parents[1] / "actors" / "gateway" / "static"
ROOTS: Final = ("app/main.js", "app/trade/view.js")
_IMPORT: Final = re.compile(r'^(?:import|export)\b[^"\';]*?["\'](\.{1,2}/[^"\']+)["\'];', re.MULTILINE)
_LIBRARY: Final = re.compile(r'"\.\./\.\./(vendor/[^"]+\.mjs)"')
_BETWEEN: Final = re.compile(r"(<!-- modules: begin [^>]*-->\n).*?(<!-- modules: end -->)", re.DOTALL)


def needed(static: Path = STATIC) -> list[str]:
    """Addresses of all modules that the first view imports, and of the chart's library."""
    found: dict[str, None] = {}
    waiting = list(ROOTS)
    while waiting:
        name = waiting.pop(0)
        if name in found:
            continue
        found[name] = None
        path = static / name
        text = path.read_text()
        targets = [(path.parent / target).resolve() for target in _IMPORT.findall(text)]
        waiting += [target.relative_to(static.resolve()).as_posix() for target in targets]
        found.update(dict.fromkeys(_LIBRARY.findall(text)))
    return sorted(found)


def page_of(page: str, modules: list[str]) -> str:
    """The page with these modules between its two marks."""
    lines = "".join(f'<link rel="modulepreload" href="{name}">\n' for name in modules)
    return _BETWEEN.sub(lambda match: match[1] + lines + match[2], page)


def main() -> None:
    """Write the lines."""
    page = STATIC / "index.html"
    page.write_text(page_of(page.read_text(), needed()))


if __name__ == "__main__":
    main()
