"""Runs a server: takes mail first, then loads and opens all else; closes them in order.

This module imports what a mail needs, and `gateway.after_mail` the rest: see `gateway.loading`.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

from gateway import descriptors, log, permissions
from gateway.accepting import ListeningSockets
from gateway.certificate import Certificate
from gateway.config.model import Config
from gateway.loading import all_is_loaded, load_all_else
from gateway.mail_services import MailServices, listed, open_mail_services
from gateway.smtp.limits import ConnectionPool
from gateway.smtp.listener import Listener
from gateway.smtp.listeners import SmtpHooks, accept
from gateway.sockets import HTTP, Bound, address_text, bound
from storage.registry import mailboxes

PROXY_TIMEOUT_S = 5.0

_COLLECTED_AFTER = 20_000, 20, 50
"""Allocations before a garbage collection, and collections before one of the next generation. A
mail's values are freed by their counts; Python's default of 700 would search them several times."""

_LOCK_S = 0.0005
"""How long another thread, such as one that writes notices, may keep the interpreter's lock from
the event loop, which gives it up at each statement of a mail. By default it would wait 5 ms."""


async def serve(
    config: Config,
    stop: asyncio.Event,
    ready: Callable[[], None],
    handed: Bound | None = None,
    reload: asyncio.Event | None = None,
) -> None:
    """Serve until `stop` is set; mails that are being received then are finished first.

    Mail is taken as soon as the store is open. `ready` is called once everything is served. With
    `handed`, the sockets of the process that started this one, several serve the same ports. One
    that joins others, and has everything loaded, binds them when nothing can refuse it any more: a
    port that it closed again would take clients from those that serve. Certificate and policies are
    read again whenever `reload` is set.
    """
    descriptors.ensure(config)
    joins = handed is not None and all_is_loaded()
    async with AsyncExitStack() as stack:
        if not joins:
            sockets = stack.enter_context(bound(config, handed))
        mail = await stack.enter_async_context(open_mail_services(config))
        permissions.check(config)
        await mail.check_tickets()
        certificate = Certificate(config.tls) if config.tls is not None else None
        if joins:
            from gateway import after_mail  # noqa: PLC0415 - see `gateway.loading`

            prepared = after_mail.prepare(config, mail)
            sockets = stack.enter_context(bound(config, handed))
        _spare_the_loop()
        servers = [*_accept_mail(config, sockets, mail, certificate)]
        end_smtp = partial(_end_smtp, servers, mail.connections, config.limits.grace_s)
        stack.push_async_callback(end_smtp)
        for_mail = {name: each for name, each in sockets.items() if name not in HTTP}
        log.takes_mail(**{name: address_text(each) for name, each in for_mail.items()})

        if not joins:
            await _log_doubts(mail)
            await asyncio.to_thread(load_all_else)
            from gateway import after_mail  # noqa: PLC0415 - see `gateway.loading`

            prepared = after_mail.prepare(config, mail)
        rest = await stack.enter_async_context(
            after_mail.running(config, prepared, sockets, certificate, reload or asyncio.Event())
        )
        log.started(**{name: address_text(each) for name, each in sockets.items()})
        _spare_the_loop()
        ready()
        await stop.wait()
        log.stopping()
        clock = asyncio.get_running_loop().time
        until = clock() + config.limits.grace_s
        rest.stop(until)
        await end_smtp()
        await rest.ended(max(0.0, until - clock()))
    log.stopped()


async def _log_doubts(mail: MailServices) -> None:
    """What somebody may have to correct, which one server of several says for all."""
    if not await mail.runtime.read(mailboxes.list_mailboxes):
        log.no_mailbox()
    for shared in await mail.shared_addresses():
        log.address_shared(shared.address, shared.mailboxes)


async def _end_smtp(
    servers: Sequence[ListeningSockets], connections: ConnectionPool, grace_s: float
) -> None:
    """Accept no more, and finish the mails that are being received; a second call does nothing.

    This also happens if what is loaded later is refused: clients get their 421.
    """
    for server in servers:
        server.close()
    if not connections.draining:
        await connections.drain(grace_s)


def _spare_the_loop() -> None:
    """Keep the event loop from being held by the collector or by another thread.

    Objects that live as long as the program need no further garbage collection: a full one over
    them holds the loop for about 100 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)
    sys.setswitchinterval(_LOCK_S)


def _accept_mail(
    config: Config, sockets: Bound, mail: MailServices, certificate: Certificate | None
) -> Iterator[ListeningSockets]:
    """Serves SMTP and LMTP from here on."""
    tls = certificate.context if certificate is not None else None
    hooks = SmtpHooks(mail.runtime.mailbox_cache.serves, mail.ingest.take)
    listener = Listener(
        hostname=config.smtp.hostname,
        tls_context=tls,
        proxy_protocol_timeout_s=PROXY_TIMEOUT_S if config.smtp.proxy_protocol else None,
        lenient_peers=config.smtp.lenient_peers,
        relay_peers=listed(config),
        balancers=config.smtp.balancers,
        strangers=config.smtp.strangers,
    )
    yield accept(hooks, mail.connections, listener, sockets["smtp"])
    if "smtps" in sockets:
        yield accept(hooks, mail.connections, listener, sockets["smtps"], tls_from_start=tls)
    if config.lmtp is not None:
        local = replace(
            listener,
            lmtp=True,
            proxy_protocol_timeout_s=None,
            strangers=config.lmtp.strangers,
        )
        yield accept(hooks, mail.connections, local, sockets["lmtp"])
