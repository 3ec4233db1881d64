"""The mailboxes, and a form that adds one, as `postern mailbox add` does."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode

from aiohttp import web

from gateway import log, policies
from gateway.web.console.context import Visit
from rules.mail.addresses import domain_of
from rules.policy import PolicyRefused
from storage.registry.errors import RegistryRefusal
from storage.registry.mailboxes import list_mailboxes


async def listing(visit: Visit) -> web.Response:
    """The mailboxes with their policies; and what is left to do for one that was just added."""
    return await _listing(visit, added=visit.request.query.get("added", ""))


async def add(visit: Visit) -> web.Response:
    """Take mail at another address."""
    address, policy = visit.form.get("address", "").strip(), visit.form.get("policy", "")
    job = partial(
        policies.add_mailbox, policies=visit.runtime.policies, address=address, policy=policy
    )
    try:
        mailbox = await visit.write(job)
    except RegistryRefusal as refused:
        return await _listing(visit, refused.why.worded(visit.say), 422)
    except PolicyRefused:
        return await _listing(visit, visit.say("There is no such policy."), 422)
    log.registry_changed(mailbox.address, mailbox.address, "mailbox_added", visit.user.address)
    text = "Mail for {address} is taken under the policy {policy}."
    path = f"/mailboxes?{urlencode({'added': mailbox.address})}"
    return visit.done(path, text, address=mailbox.address, policy=mailbox.policy)


async def _listing(
    visit: Visit, error: str = "", status: int = 200, added: str = ""
) -> web.Response:
    known = visit.runtime.policies
    taking = {each.address for each in await visit.runtime.read(list_mailboxes)}
    added = added if added in taking else ""
    return visit.page(
        "mailboxes.html",
        status,
        mailboxes=await visit.mailboxes(),
        taking=taking,
        policies=[known[name] for name in sorted(known)],
        form=visit.form,
        added=added,
        domain=domain_of(added) if added else "",
        error=error,
    )
