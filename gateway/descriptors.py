"""The descriptors that the configuration may need, against the limit of the process."""

from __future__ import annotations

import resource

from gateway.config.model import Config, ConfigRefused

OTHER = 256
"""For look-ups in the DNS, the store's files, parsers, the log and the listening sockets."""
BURST = 1024
"""For connections that are accepted only to be refused, all at once."""


def ensure(config: Config) -> None:
    """Raises the soft limit of the process as far as needed.

    Raises ConfigRefused if the hard limit is below what the configured connections can use: then
    one kind of client could leave the others without descriptors.
    """
    needed = needed_by(config)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        fault = (
            f"the configured connections need {needed} descriptors, and the process may have "
            f"{hard}: raise the limit (LimitNOFILE= in the systemd unit, ulimit -Hn), or lower "
            "limits.connections or http.connections"
        )
        raise ConfigRefused("limits", [fault])
    wanted = needed + BURST
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def needed_by(config: Config) -> int:
    """The most descriptors that the configured connections use at a time."""
    http_listeners = 1 if config.http.admin == config.http.listen else 2
    return (
        config.limits.connections
        + http_listeners * config.http.connections
        + config.store.connections
        + config.relay.connections
        + OTHER
    )
