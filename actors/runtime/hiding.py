"""Settings as they may be shown: every secret reads `***`. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from actors.runtime.yaml_source import PathKey

HIDDEN: Final = "***"
_SECRET: Final = re.compile(r"(?:^|_)(?:secret|token|key|password|passphrase)$")
_URL_PASSWORD: Final = re.compile(r"(://[^/@:\s]*:)[^@\s]+(@)")


def without_secrets(value: Any, path: PathKey = ()) -> Any:
    """Plain data in which secrets read `***`: values by the name of their key, passwords inside URLs."""
    if isinstance(value, dict):
        return {key: without_secrets(inner, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_secrets(inner, (*path, index)) for index, inner in enumerate(value)]
    if is_secret(path) and isinstance(value, str):
        return HIDDEN if value else ""
    return masked_url(value) if isinstance(value, str) else value


def is_secret(path: PathKey) -> bool:
    """Whether a value of this name must not be shown."""
    names = [part for part in path if isinstance(part, str)]
    return bool(names) and bool(_SECRET.search(names[-1]))


def masked_url(text: str) -> str:
    """Text with the passwords of its URLs replaced by `***`."""
    return _URL_PASSWORD.sub(r"\1***\2", text)
