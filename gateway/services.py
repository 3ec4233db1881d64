"""All services of a server, which commands that decide a mail use too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.authentication.signing import read_key, signer
from gateway.clock import new_id
from gateway.config.model import Config
from gateway.mail_services import MailServices, open_mail_services
from gateway.outgoing import relay, templates
from gateway.outgoing.dispatcher import Dispatcher
from gateway.parsing.html_views import HtmlViews
from gateway.parsing.mail_files import MailFiles
from gateway.reloading import PolicyReload
from gateway.retention import Retention
from gateway.scheduler import Scheduler


@dataclass(frozen=True, slots=True, kw_only=True)
class Services(MailServices):
    """What takes mail, and what does all else."""

    dispatcher: Dispatcher
    scheduler: Scheduler
    policy_reload: PolicyReload


@asynccontextmanager
async def open_services(config: Config) -> AsyncIterator[Services]:
    """All services, connected; closed in reverse order at the end.

    Raises what `open_mail_services` and `complete` do.
    """
    async with open_mail_services(config) as mail:
        yield complete(mail)


def complete(mail: MailServices) -> Services:
    """All services, of those that take mail. Raises InvalidFile for a template, a key or a secret
    of the configuration that cannot be used."""
    config, runtime = mail.config, mail.runtime
    return Services(
        config=config,
        runtime=runtime,
        ingest=mail.ingest,
        connections=mail.connections,
        book=mail.book,
        follow_clock=mail.follow_clock,
        notice_queued=mail.notice_queued,
        dispatcher=_dispatcher(mail),
        scheduler=Scheduler(
            runtime=runtime,
            ingest=mail.ingest,
            retention=Retention(runtime, config.store.journal_days, config.store.refused_days),
            follow_clock=mail.follow_clock,
        ),
        policy_reload=PolicyReload(runtime=runtime, book=mail.book, folder=config.policies.folder),
    )


def _dispatcher(mail: MailServices) -> Dispatcher:
    config, metrics = mail.config, mail.runtime.metrics
    return Dispatcher(
        runtime=mail.runtime,
        relay=relay.configured(config.relay),
        links_begin=config.http.links_begin,
        node=new_id(),
        templates=templates.load(config.policies.templates),
        signer=signer(read_key(each.domain, each.selector, each.key) for each in config.dkim),
        at_once=config.relay.connections,
        notice_queued=mail.notice_queued,
        html_views=HtmlViews(counted=metrics.html_shown),
        mail_files=MailFiles(counted=metrics.files_taken),
    )
