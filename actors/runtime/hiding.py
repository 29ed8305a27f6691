"""Settings as they may be shown: every secret reads `***`. Pure."""

from __future__ import annotations

from typing import Any, Final

from actors.runtime.conformity import is_secret, masked_url
from actors.runtime.yaml_source import PathKey

HIDDEN: Final = "***"


def without_secrets(value: Any, path: PathKey = ()) -> Any:
    """Plain data in which secrets read `***`: values by the name of their key, passwords inside URLs."""
    if isinstance(value, dict):
        return {key: without_secrets(inner, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_secrets(inner, (*path, index)) for index, inner in enumerate(value)]
    if is_secret(path) and isinstance(value, str):
        return HIDDEN if value else ""
    return masked_url(value) if isinstance(value, str) else value
