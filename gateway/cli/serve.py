"""The command that runs the server."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import uvloop

from gateway import log_output, permissions, pid_file, supervisor
from gateway.cli.common import ConfigOption, exit_on_error, fail, load_config
from gateway.cli.terminal import console, say_error
from gateway.config.model import Config
from gateway.config.sections import DEMO_MAILBOX, DEMO_STAFF
from gateway.loading import load_all_else, without_collection
from rules.service.console_roles import ConsoleRole, EntryUse
from rules.validation.messages import without_password

if TYPE_CHECKING:
    from gateway.sockets import Bound


def serve(
    config: ConfigOption = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="The number of processes that share the ports.")
    ] = 1,
    welcome: Annotated[
        bool,
        typer.Option(
            "--welcome",
            help="Serve as a demo: trust this machine, and print how to send a mail.",
        ),
    ] = False,
) -> None:
    if not welcome:  # a terminal that closes ends a demo
        # A request to reload waits until policies can be read again; a worker begins like this.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    with exit_on_error():
        settings = _configured(config)
        if welcome:
            settings = settings.for_a_demo()
        if workers > 1:
            smtp, http = settings.smtp, settings.http
            listens = (smtp.listen, smtp.tls_listen or "", http.listen, http.admin)
            if any(listen.endswith(":0") for listen in listens):
                fail(
                    os.EX_USAGE,
                    "--workers needs fixed ports: with port 0 each process would get another",
                )
            _load_what_takes_mail()
            with pid_file.naming_this_process(settings.pid_file):
                code = _supervise(config, settings, workers)
            raise typer.Exit(code)
        permissions.check_configuration(config, settings)
        with pid_file.naming_this_process(settings.pid_file):
            if welcome:
                _run(
                    settings,
                    partial(_welcome, settings, _entrance(config, settings)),
                    reloads=False,
                )
            else:
                _run(settings, lambda: None)


def _load_what_takes_mail() -> None:
    """The first part of the program: see `gateway.loading`."""
    with without_collection():
        import gateway.app  # noqa: F401, PLC0415 - after the configuration was checked


def _supervise(config: Path | None, settings: Config, workers: int) -> int:
    """Keep workers running, which share the unix sockets; returns the exit code."""
    from gateway.sockets import bound_for_workers  # noqa: PLC0415 - see `gateway.loading`

    with ExitStack() as stack:
        try:
            handed = stack.enter_context(bound_for_workers(settings))
        except OSError as error:
            return _cannot_serve(error)
        descriptors = [each.fileno() for sockets in handed.values() for each in sockets]
        work = partial(_work, config, handed)
        return supervisor.run(workers, work, load_all_else, descriptors, stack.close)


def _cannot_serve(error: OSError) -> int:
    say_error(f"postern: cannot serve: {error.strerror}")
    return os.EX_OSERR


def _work(
    config: Path | None, handed: Bound, supervisor_pipe: int, ready: Callable[[], None]
) -> int:
    """Serve as one of several processes, by the configuration as it is now; returns the exit
    code."""
    try:
        with exit_on_error():
            settings = _configured(config)
            permissions.check_configuration(config, settings)
            _run(settings, ready, supervisor_pipe, handed)
    except typer.Exit as end:
        return end.exit_code
    return os.EX_OK


def _configured(config: Path | None) -> Config:
    settings = load_config(config)
    log_output.configure(settings.log.level, settings.log.format)
    return settings


def _run(
    settings: Config,
    ready: Callable[[], None],
    supervisor_pipe: int | None = None,
    handed: Bound | None = None,
    *,
    reloads: bool = True,
) -> None:
    _load_what_takes_mail()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, ready, supervisor_pipe, handed, reloads=reloads))


async def _serve(
    settings: Config,
    ready: Callable[[], None],
    supervisor_pipe: int | None,
    handed: Bound | None,
    *,
    reloads: bool,
) -> None:
    """Serve until a signal, or until the other end of the supervisor's pipe closes."""
    from gateway import app  # noqa: PLC0415 - see `gateway.loading`

    stop, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if reloads:
        loop.add_signal_handler(signal.SIGHUP, reload.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    if supervisor_pipe is not None:  # closed when the supervisor has ended, for whatever reason
        loop.add_reader(supervisor_pipe, stop.set)
    try:
        await app.serve(settings, stop, ready, handed, reload)
    except OSError as error:
        raise typer.Exit(_cannot_serve(error)) from error


def _entrance(path: Path | None, settings: Config) -> str:
    """A link that logs in once, as the staff person of the demo."""
    from gateway.cli.console import link_for  # noqa: PLC0415 - it loads the console

    return link_for(path, settings, DEMO_STAFF, ConsoleRole.ADMIN, EntryUse.ENTER)


def _welcome(settings: Config, entrance: str) -> None:
    host, _, port = settings.smtp.listen.rpartition(":")
    mail = (
        r"From: Ann <ann@acme.example>\r\nTo: support@help.example\r\n"
        r"Subject: The printer is on fire\r\n\r\nPlease help.\r\n"
    )
    answers = settings.relay.url or str(settings.relay.maildir / "new")
    program = (
        f"import smtplib; s = smtplib.SMTP('{host}', {port}); s.ehlo(); "
        f"s.mail('ann@acme.example'); s.rcpt('{DEMO_MAILBOX}'); print(s.data(b'{mail}'))"
    )
    for line in (
        f"Postern is open: SMTP on {settings.smtp.listen}, HTTP on http://{settings.http.listen}",
        f"Console:      {entrance}",
        f"API, metrics: http://{settings.http.admin}",
        f'Send a mail:  python3 -c "{program}"',
        "Watch:        .venv/bin/postern tail -f",
        "Look:         .venv/bin/postern ticket 1, and explain ID for how it was decided",
        f"Our answers:  {without_password(answers)}; Ctrl-C stops",
    ):
        console.print(line)
