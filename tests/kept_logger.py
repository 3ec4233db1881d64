"""What a command leaves behind when it ran inside the tests' process: its configured logging."""

from __future__ import annotations

import logging

import structlog

from gateway import log


def forget_logger() -> None:
    """Undo `gateway.log_output.configure`, so that logs can be captured.

    A command logs to its own standard error, which is closed now; its logger was kept. It also sent
    the libraries' logs there, above a level of its own.
    """
    structlog.reset_defaults()
    log_plainly()
    vars(log.logger).pop("bind", None)  # how structlog keeps it
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    for handler in root.handlers[:]:
        if type(handler) is logging.StreamHandler:  # pytest's own are of classes below it
            root.removeHandler(handler)


def log_plainly() -> None:
    """As a program logs: structlog's default draws the variables of each function of a traceback,
    where rich is installed, which takes seconds."""
    *others, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(processors=[*others, plain])
