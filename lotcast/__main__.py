"""The command `lotcast`."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from libs.common.errors import LotcastError
from libs.common.logging import configure_logging
from libs.common.settings import ServiceSettings
from libs.common.shutdown import end_process
from lotcast import cameras
from lotcast.discover import discover
from lotcast.evaluate import evaluate
from lotcast.model import command as model
from lotcast.probe import probe
from lotcast.status.command import status
from lotcast.up import demo, up


def print_version(wanted: bool) -> None:
    """Print the version and end, if that is what was asked for."""
    if wanted:
        sys.stdout.write(f"lotcast {version('lotcast')}\n")
        raise typer.Exit


def start(
    _version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="print the version and end")
    ] = False,
) -> None:
    """Watch parking lots: detection and broadcast on Redis."""
    # What parts of the services log goes where their own logs go; stdout is for what was asked for.
    configure_logging(ServiceSettings.from_environment(), "lotcast")


app = typer.Typer(
    help="Watch parking lots: detection and broadcast on Redis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    callback=start,
)
ENVIRONMENT = (
    "GATEWAY_PORT (8069) and GATEWAY_HOST (127.0.0.1) move the dashboard, REDIS_URL uses a Redis of yours; "
    "every other setting of a service holds, too: `python -m services.NAME --help`."
)
app.command(epilog=ENVIRONMENT)(demo)
app.command(epilog=ENVIRONMENT)(up)
app.command()(evaluate)
app.command()(probe)
app.command()(discover)
app.command()(status)
app.add_typer(cameras.app, name="cameras")
app.add_typer(model.app, name="model")


def main() -> None:
    """Run the command line; a known failure is one line on stderr and exit code 1."""
    try:
        app()
    except LotcastError as error:
        sys.stderr.write(f"lotcast: {error}\n")
        end_process(1)
    except SystemExit as ended:
        # A camera that was tried may keep a thread of its library waiting.
        end_process(ended.code if isinstance(ended.code, int) else int(ended.code is not None))


if __name__ == "__main__":
    main()
