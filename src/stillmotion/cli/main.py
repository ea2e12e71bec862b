"""The `stillmotion` command. Subcommands are imported only when they run."""

import gc
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from stillmotion.domain.errors import StillmotionError, Unavailable

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("stillmotion.cli.demo", "Make a clip through the whole service, to see that it works."),
    "generate": ("stillmotion.cli.generate.command", "Turn pictures into clips, right here or on a server."),
    "generations": ("stillmotion.cli.generations", "List, show, watch, cancel, delete and download what a server has."),
    "account": ("stillmotion.cli.account", "Show your account on a server, and replace its keys."),
    "usage": ("stillmotion.cli.usage", "Show what your account has used, by day, model and key."),
    "serve": ("stillmotion.cli.serve.command", "Run the service: the API, its queue and its renderers."),
    "worker": ("stillmotion.cli.worker", "Render what a server queues, in a process of its own."),
    "products": ("stillmotion.cli.admin.products", "Create, list and change products: what subscriptions may do."),
    "subscriptions": ("stillmotion.cli.admin.subscriptions", "Create, list, change, suspend and cancel subscriptions."),
    "keys": ("stillmotion.cli.admin.keys", "Create, list, replace and suspend subscription keys."),
    "status": (
        "stillmotion.cli.admin.status",
        "Say whether the service is well, what waits, and how long things take.",
    ),
    "queue": ("stillmotion.cli.admin.queue", "Show, pause, resume and drain the queue."),
    "workers": ("stillmotion.cli.admin.workers", "List the processes that render and what they are at, and drain one."),
    "callbacks": (
        "stillmotion.cli.callbacks.command",
        "List what was tried to deliver, deliver it again, try a receiver, or pass messages on to one.",
    ),
    "gc": ("stillmotion.cli.admin.gc", "Remove what has expired, and set aside what belongs to nothing."),
    "backup": ("stillmotion.cli.admin.backup", "Write everything that the server keeps to one file, while it runs."),
    "restore": ("stillmotion.cli.admin.restore", "Make a data directory from such a file."),
    "move": ("stillmotion.cli.admin.move", "Move everything to a PostgreSQL database that several servers share."),
    "migrate": ("stillmotion.cli.admin.migrate", "Bring the database to this version's schema, before an upgrade."),
    "models": ("stillmotion.cli.models.command", "List the models of the catalogue, and check those that are offered."),
    "mcp": ("stillmotion.cli.mcp.command", "Serve assistants over MCP, on standard input and output."),
    "health": ("stillmotion.cli.health", "Ask the server of these settings if it is ready, as a container does."),
    "doctor": ("stillmotion.cli.doctor.command", "Check this machine and the data directory, and say what to mend."),
    "config": ("stillmotion.cli.config", "Show every setting, its value and where that came from."),
}
_NOT_SETTINGS = frozenset({"STILLMOTION_CONFIG", "STILLMOTION_FAULTS"})

EXIT_REFUSED = 1
"""Exit code of a refusal or failure, explained in a sentence on standard error; 2 is a wrong command line."""

EXIT_INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it (128 + SIGINT)."""


@contextmanager
def without_collector() -> Iterator[None]:
    """Pause the garbage collector during imports: they leave no cycles, and it would take an eighth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Commands(click.Group):
    """Group that lists its commands without importing them, for a quick `--help`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        with without_collector():
            command = import_module(_COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete command names and options without importing a command."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=about) for name, (_, about) in _COMMANDS.items() if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _COMMANDS.items()])


class Overview(click.Group):
    """Group that shows what is there when it is called without a command: by its `list`, or else by its `show`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what is meant. Help stays the group's, and so does completion."""
        return super().parse_args(ctx, args if ctx.resilient_parsing else self.completed(ctx, args))

    def completed(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The words that follow the group's name, with the command that may be left out."""
        is_help = bool(args) and args[0] in ctx.help_option_names
        is_left_out = not args or (args[0].startswith("-") and not is_help)
        return [self._alone(), *args] if is_left_out else args

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Tell that the command may be left out."""
        return [*click.Command.collect_usage_pieces(self, ctx), "[COMMAND] [ARGS]..."]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Name the command that is meant where none is given."""
        formatter.write_paragraph()
        formatter.write_text(f"Without a command it does `{self._alone()}`, with its options.")
        super().format_epilog(ctx, formatter)

    def _alone(self) -> str:
        return "list" if "list" in self.commands else "show"


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "file", type=click.Path(path_type=Path), help="Settings file (TOML). Or STILLMOTION_CONFIG.")
@click.version_option(package_name="stillmotion", prog_name="stillmotion")
@click.pass_context
def cli(ctx: click.Context, file: Path | None) -> None:
    """A picture and a sentence in, a video out.

    Start with `stillmotion demo`.
    """
    ctx.obj = file


def server_options(command: Any) -> Any:
    """Decorator: `--server` and `--key`, which override the settings of these names."""
    command = click.option("--key", help="The server's key. Or the setting `key`, in STILLMOTION_KEY.")(command)
    about = "URL of a server. Or the setting `server`, in STILLMOTION_SERVER."
    return click.option("--server", metavar="URL", help=about)(command)


def environment() -> dict[str, str]:
    """The environment without our variables that are no settings."""
    return {name: value for name, value in os.environ.items() if name not in _NOT_SETTINGS}


def settings_file(ctx: click.Context) -> Path | None:
    """Path of the settings file named on the command line or in the environment."""
    given: Path | None = ctx.find_root().obj
    named = os.environ.get("STILLMOTION_CONFIG")
    return given or (Path(named) if named else None)


def load_settings(ctx: click.Context, **given: Any) -> Any:
    """The `Settings` for this call. Raises `SettingsError`."""
    from stillmotion.config import load

    return load(environment(), settings_file(ctx), given)[0]


def _end_tidily(number: int, frame: object) -> None:  # noqa: ARG001 - the signal module's signature
    """Handle SIGTERM as Ctrl-C: unfinished output is removed."""
    sys.exit(128 + number)


def _speak_utf8() -> None:
    """Restart in UTF-8 mode under another locale: file names and messages rely on UTF-8."""
    if sys.getfilesystemencoding() == "utf-8" or os.environ.get("PYTHONUTF8") == "1" or not sys.executable:
        return
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONUTF8": "1"})


def _open_streams() -> None:
    """Open the standard streams that the caller closed: another file or socket would take their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process


def script() -> NoReturn:
    """Console script: runs `main` and ends the process."""
    _open_streams()
    try:
        main()
    except SystemExit as ended:
        if "obstore" in sys.modules and isinstance(ended.code, int | None):
            _leave(ended.code or 0)
        raise
    sys.exit(0)


def main() -> None:
    """Run the command. Errors of ours are one sentence on standard error."""
    _speak_utf8()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # Under nohup a hangup stays ignored.
            signal.signal(number, _end_tidily)
    try:
        cli(standalone_mode=True)
    except StillmotionError as error:
        click.echo(f"stillmotion: {error}{_cause_of(error)}", err=True)
        sys.exit(EXIT_REFUSED)


def _cause_of(error: StillmotionError) -> str:
    """The words of a database or a bucket that could not be used, in brackets."""
    cause = error.__cause__ if isinstance(error, Unavailable) else None
    first = next(iter(str(cause or "").strip().splitlines()), "")
    return f" ({first[:300]})" if first else ""


def _leave(status: int) -> NoReturn:
    """Exit without finalizing Python: a thread of obstore's that drops a Python object then aborts the process."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # A reader that is gone was told of before.
            stream.flush()
    os._exit(status)
