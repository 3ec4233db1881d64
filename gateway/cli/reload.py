"""The command that makes a running server read its policies again."""

from __future__ import annotations

import os
import signal
from functools import partial

from gateway import pid_file, policies
from gateway.cli.common import ConfigOption, exit_on_error, fail, load_config, read
from gateway.cli.terminal import say


def reload(config: ConfigOption = None) -> None:
    with exit_on_error():
        settings = load_config(config)
        new = policies.load(settings.policies.folder)
    read(config, partial(policies.check_all, new))
    read(config, partial(policies.check_all_contracts, new))
    if (server := pid_file.server_at(settings.pid_file)) is None:
        fail(
            os.EX_UNAVAILABLE,
            f"no server has the file {settings.pid_file}; if one runs on this machine, run this "
            "with its configuration, or send it SIGHUP",
        )
    try:
        os.kill(server, signal.SIGHUP)
    except ProcessLookupError:
        fail(os.EX_UNAVAILABLE, f"the server {server} has just ended")
    except PermissionError:
        fail(os.EX_NOPERM, f"the server {server} runs as another user; run this as that user")
    say(
        f"The policies are valid, and the server {server} reads them now: its log says "
        "policies_reloaded. Call this on each machine that runs a server."
    )
