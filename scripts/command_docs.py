"""docs/commands.md: every command of `tapehub`, its arguments, options and exit codes, from the code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

INTRO = """\
Global options may stand before or behind the command. stdout is data, stderr is everything else. `--json` gives one
document, a stream gives one object per line. What to do with them: [operations.md](operations.md)."""


def commands_page(generated: str) -> str:
    """The page; `generated` is the notice that it was made by a program."""
    import typer  # noqa: PLC0415 - only when the page is written

    from tapehub.cli.exit_codes import MEANING  # noqa: PLC0415
    from tapehub.cli.main import PANELS, build  # noqa: PLC0415

    group: Any = typer.main.get_command(build())
    lines = ["# Commands", "", generated, INTRO, "", *_options(group.params, "Global options"), ""]
    for panel, names in PANELS.items():
        lines += [f"## {panel}", ""]
        for name in names:
            lines += _command(f"tapehub {name}", group.commands[name])
    lines += ["## Exit codes", "", "| code | means |", "|---|---|"]
    lines += [f"| {code} | {meaning} |" for code, meaning in MEANING.items()]
    return "\n".join([*lines, ""])


def _command(name: str, command: Any) -> Iterator[str]:
    yield from (f"### {name}", "", *_prose(command.help or ""))
    if command.epilog:
        yield from _prose(command.epilog)
    subcommands = getattr(command, "commands", {})
    for word, inner in subcommands.items():
        yield from _command(f"{name} {word}", inner)
    if not subcommands:
        yield from _options(command.params, "Argument or option")
        yield ""


def _prose(text: str) -> Iterator[str]:
    """Paragraphs; indented lines and `Examples:` become one block of code."""
    examples = []
    for paragraph in text.strip().split("\n\n"):
        if paragraph.startswith("Examples:"):
            examples += [example.strip() for example in paragraph.removeprefix("Examples:").split("    ")]
        elif all(line.strip().startswith("tapehub ") for line in paragraph.splitlines()):
            examples += [line.strip() for line in paragraph.splitlines()]
        else:
            yield from (" ".join(paragraph.split()), "")
    found = [example for example in examples if example]
    if found:
        yield from ("```", *found, "```", "")


def _options(parameters: Any, title: str) -> Iterator[str]:
    shown = [one for one in parameters if one.name != "help" and not getattr(one, "hidden", False)]
    if not shown:
        return
    yield from (f"| {title} | default | meaning |", "|---|---|---|")
    for one in shown:
        is_argument = not one.opts[0].startswith("-")
        names = one.metavar or one.name.upper() if is_argument else _spelled(one)
        yield f"| `{names}` | {_default(one)} | {_cell(one.help or '')} |"


def _spelled(option: Any) -> str:
    takes = "" if option.is_flag else f" {option.metavar or option.name.upper()}"
    return ", ".join([*option.opts, *option.secondary_opts]) + takes


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    value = parameter.default
    return "" if value in (None, "", False, ()) or callable(value) else f"`{value}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
