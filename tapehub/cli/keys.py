"""`tapehub keys`: init, add, list, revoke, rotate, bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tapehub.cli import exit_codes
from tapehub.cli.context import current
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson
from tapehub.cli.output import note, print_json, print_table, say, warn

if TYPE_CHECKING:
    from protocol.security.key_files import PublicKey
    from protocol.security.key_folder import KeyFolder

Name = Annotated[str, typer.Argument(help="Whose key, as `tapehub keys list` names it.")]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="Keys that other hosts and engines are known by.", no_args_is_help=True)
    group.command("init")(init)
    group.command("add")(add)
    group.command("list")(list_keys)
    group.command("revoke")(revoke)
    group.command("rotate")(rotate)
    group.command("bundle")(bundle)
    app.add_typer(group, name="keys")


def init(
    host: Annotated[
        str, typer.Option("--host", help="Only the actors of this host.", show_default=False)
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make a key for every actor of the topology, and one for the operator of each host. What there is stays.

    tapehub keys init

    tapehub keys bundle compute --to /media/usb/keys
    """
    from actors.runtime.clock import system_clock
    from tapehub import key_deeds

    context = current()
    common = context.loaded.common
    if host and host not in common.hosts:
        known = ", ".join(common.hosts) or "none"
        raise Failure(f"no host {host!r} in the configuration; there is {known}", code=exit_codes.USAGE)
    folder = _folder()
    made = key_deeds.init(folder, common.topology, common.actors, system_clock().now_ns(), host)
    if as_json:
        print_json({"folder": str(folder.path), "made": made})
        return
    say(f"{folder.path}: {len(made)} keys made" + (f": {', '.join(made)}" if made else ", all were there"))


def add(
    name: Annotated[str, typer.Argument(help="Who it is for, as logs name it: desk, research-1.")],
    roles: Annotated[
        list[str] | None,
        typer.Option(
            "--role",
            help="query, subscribe, publish or admin; several times for several.",
            show_default="query",
        ),
    ] = None,
    topics: Annotated[
        list[str] | None,
        typer.Option(
            "--topics", help="Prefix that it may subscribe to; several times for several.", show_default="all"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key for an engine, and print the path of its secret. Actors know it within a second.

    export TAPEHUB_KEY=$(tapehub keys add desk --role query --role subscribe --topics quote. --topics bar.)
    """
    from actors.runtime.clock import system_clock
    from tapehub import key_deeds

    folder = _folder()
    chosen = [part.strip() for one in roles or ["query"] for part in one.split(",")]
    prefixes = [part.strip() for one in topics or [] for part in one.split(",")]
    path = key_deeds.add(folder, name, chosen, prefixes, system_clock().now_ns())
    if as_json:
        print_json(
            {"name": name, "secret": str(path), "public": str(folder.public_path(name)), "roles": chosen}
        )
        return
    say(str(path))
    note(
        f"copy {folder.public_path(name)} to the key folder of every host; `tapehub keys bundle {name}` is what it needs"
    )


def list_keys(as_json: AsJson = False) -> None:
    """Every key: who, what it may do, whether it is in force, and what is wrong with it. Exit 1 if something is."""
    from tapehub import key_deeds

    folder = _folder()
    found = key_deeds.rows(folder)
    if as_json:
        print_json({"folder": str(folder.path), "keys": [row._asdict() for row in found]})
    else:
        titles = ("name", "state", "roles", "topics", "host", "created", "secret")
        print_table(
            titles,
            [
                (row.name, row.state, " ".join(row.roles), " ".join(row.topics) or "-", row.host or "-",
                 row.created or "-", "here" if row.has_secret else "-")
                for row in found
            ],
        )  # fmt: skip
        for row in found:
            for problem in row.problems:
                warn(problem)
    if any(row.problems for row in found):
        raise typer.Exit(exit_codes.FAILURE)


def revoke(name: Name, as_json: AsJson = False) -> None:
    """Put a key out of force: within a second its connections are cut, and it is let in no more.

    On other hosts as soon as they have its public file.
    """
    from actors.runtime.clock import system_clock
    from tapehub import key_deeds

    folder = _folder()
    _said(folder, key_deeds.revoke(folder, name, system_clock().now_ns()), as_json)


def rotate(
    name: Name,
    is_announced: Annotated[
        bool, typer.Option("--announce", help="First step: the next key is known, not used.")
    ] = False,
    is_switched: Annotated[
        bool, typer.Option("--switch", help="Second step: it is used, the old one still accepted.")
    ] = False,
    is_finished: Annotated[
        bool, typer.Option("--finish", help="Last step: the old one is accepted no longer.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give a name a new key without a break. No step named: announce and switch at once, for keys that one folder serves.

    With several hosts copy the public file to all of them between the steps.

      tapehub keys rotate hub.1 --announce     # copy public/hub.1.toml

      tapehub keys rotate hub.1 --switch       # copy it again

      tapehub keys rotate hub.1 --finish       # and once more
    """
    from tapehub import key_deeds

    if is_announced + is_switched + is_finished > 1:
        raise Failure("one step at a time", "tapehub keys rotate --help", exit_codes.USAGE)
    folder = _folder()
    key = None
    if is_finished:
        key = key_deeds.finish(folder, name)
    if is_announced or not (is_switched or is_finished):
        key = key_deeds.announce(folder, name)
    if not (is_announced or is_finished):
        key = key_deeds.switch(folder, name)
    assert key is not None
    _said(folder, key, as_json)


def bundle(
    name: Annotated[
        str, typer.Argument(metavar="HOST|NAME", help="A host of the topology, or an engine's key.")
    ],
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder to write.", show_default="keys-NAME")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the key folder that a host or an engine needs, and no more: its own secrets, and public keys of others."""
    from tapehub import key_deeds

    common = current().loaded.common
    target = (to or Path(f"keys-{name}")).absolute()
    secrets = key_deeds.bundle(_folder(), name, common.topology, common.actors, target)
    if as_json:
        print_json({"folder": str(target), "secrets": secrets})
        return
    say(str(target))
    note(f"holds the secrets of {', '.join(secrets)}: copy it there over a safe way, then delete it here")


def _said(folder: KeyFolder, key: PublicKey, as_json: bool) -> None:
    from tapehub import key_deeds

    row = next(row for row in key_deeds.rows(folder) if row.name == key.name)
    if as_json:
        print_json(row._asdict())
        return
    say(f"{key.name}: {row.state}")
    if key.host or current().loaded.common.hosts:
        note(f"copy {folder.public_path(key.name)} to the key folder of every other host")


def _folder() -> KeyFolder:
    from actors.runtime.keys import folder_of
    from protocol.security.key_folder import KeyFolder

    return KeyFolder(folder_of(current().loaded))
