"""What commands that read a recording share: names of instruments, words for a broken file. Not a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tapehub.cli import context
from tapehub.cli.failures import Failure
from tapehub.cli.output import note

if TYPE_CHECKING:
    from protocol.instruments import Catalog


@contextmanager
def readable(source: Path) -> Iterator[None]:
    """Turns what a broken file raises into words."""
    from actors.collector.recorded.recordings import UnreadableRecording
    from tapehub.capture import CaptureError

    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as fault:
        raise Failure(f"cannot read {source}: {fault.strerror}", "name a recording") from fault
    except (UnreadableRecording, CaptureError) as fault:
        raise Failure(f"cannot read on: {fault}", "record it again; what came before it is whole") from fault


def configured_catalog() -> Catalog | None:
    """Names of the configured instruments; without a configuration they are made from the venue's."""
    from protocol.errors import ConfigError
    from protocol.instruments import Catalog

    here = context.current()
    try:
        return Catalog(here.loaded.instruments)
    except ConfigError:
        if here.config is not None:
            raise
        note("% no usable configuration: symbols are named after the venue's own")
        return None
