"""Policies in words, and what another policy would have done with the last mails."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from gateway import backtest, policy_files
from gateway import policies as files
from gateway.backtest import BacktestQuery
from gateway.backtest_report import Aspect, Difference, Report, name_of, value_of
from gateway.outgoing.mime import one_line
from gateway.policy_files import TakesTooLong
from gateway.web.api.download import ANY_TYPE, headers_of_file
from gateway.web.console.context import Refused, Visit
from gateway.web.console.journal import reason_words, verdict_words
from gateway.web.console.ticket_words import written_span_words
from gateway.web.console.words import Say
from rules.decision.reasons import Verdict
from rules.mail.presented import Mask
from rules.policy import Policy, PolicyRefused, TierSection
from rules.policy.explain import chapters_of
from rules.service.console_roles import ConsoleRight
from rules.validation.messages import InvalidFile, text_of

MAILS = (100, 500, 2000)
"""How many mails a back-test may decide again."""
REACH = timedelta(days=90)
"""How far back they may be."""
PATIENCE_S = 45.0
"""After this time a back-test decides no further mail."""
SHOWN = 100
"""Differing mails on the page."""
POLICY_BYTES = 256 * 1024
LONGEST_SUBJECT = 120
IN_TABLE = "tiers.times"
"""The sentences that are a table here."""


@dataclass(frozen=True, slots=True)
class UsedPolicy:
    policy: Policy
    mailboxes: Sequence[str]
    """The user's mailboxes that use it."""


@dataclass(frozen=True, slots=True)
class DifferentMail:
    """A mail that would have gone another way, as the page shows it."""

    path: str
    at: datetime
    author: str
    subject: str
    was: str
    would_be: str
    changes: Sequence[str]
    """In what else the two differ; empty where the mail would go another way altogether."""


async def listing(visit: Visit) -> web.Response:
    """The policies of the user's mailboxes; operators see all others as well."""
    known = await _known(visit)
    return visit.page("policies.html", policies=[known[name] for name in sorted(known)])


async def policy(visit: Visit) -> web.Response:
    """One policy, sentence by sentence, as `postern policy explain` prints it."""
    found = (await _known(visit)).get(visit.request.match_info["name"])
    if found is None:
        raise Refused(404, "There is no such policy.")
    explained, say = found.policy, visit.say
    tiers = [tier for tier in explained.tiers if tier.support]
    return visit.page(
        "policy.html",
        found=found,
        chapters=[
            (
                say(chapter.title),
                [each.phrase.worded(say) for each in chapter.sentences if each.key != IN_TABLE],
                any(each.key == IN_TABLE for each in chapter.sentences),
            )
            for chapter in chapters_of(explained)
        ],
        tiers=tiers,
        promises=[
            (level.name, [_promised(tier, level.name, say) for tier in tiers])
            for level in explained.severity.levels
        ],
    )


def _promised(tier: TierSection, level: str, say: Say) -> str:
    """What a tier promises at a level, in a cell of the table."""
    first, further = tier.first.get(level), tier.ongoing.get(level)
    if first is None and further is None:
        return say("no promise")

    def within(span: str | None) -> str:
        return say("no promise") if span is None else written_span_words(span, say)

    return say("{first}, then {further}", first=within(first), further=within(further))


async def file(visit: Visit) -> web.Response:
    """The file of a policy, which the browser saves: to be changed, and tried on the last mails."""
    name = visit.request.match_info["name"]
    try:
        found = (await asyncio.to_thread(files.find, visit.context.policy_folder)).get(name)
    except PolicyRefused as refused:
        raise Refused(
            409, "The policy files of the server cannot be read: {why}", why=refused
        ) from None
    if found is None:
        raise Refused(404, "There is no such policy.")
    headers = headers_of_file(f"{name}.toml", ANY_TYPE)
    return web.Response(body=found.text.encode(), headers=headers)


async def _known(visit: Visit) -> Mapping[str, UsedPolicy]:
    used: dict[str, list[str]] = {}
    if visit.may(ConsoleRight.OPERATE):
        used = {name: [] for name in visit.runtime.policies}
    for mailbox in await visit.mailboxes():
        used.setdefault(mailbox.policy, []).append(mailbox.address)
    policies = visit.runtime.policies
    return {
        name: UsedPolicy(policies[name], addresses)
        for name, addresses in used.items()
        if name in policies
    }


async def backtest_form(visit: Visit) -> web.Response:
    return await _backtest_page(visit)


async def run_backtest(visit: Visit) -> web.Response:
    """How a policy would have decided the last mails; nothing is written."""
    addresses = [each.address for each in await visit.mailboxes()]
    mailbox = visit.form.get("mailbox") or (addresses[0] if addresses else "")
    number = next((each for each in MAILS if str(each) == visit.form.get("mails")), MAILS[0])
    query = BacktestQuery(
        visit.now - REACH, visit.now, mailbox, SHOWN, number, PATIENCE_S, rests=True
    )
    runtime = visit.runtime
    if visit.context.backtests.locked():
        raise Refused(503, "Another back-test is running. Please try again in a minute.")
    try:
        async with visit.context.backtests:
            new = await _new_policy(visit)
            if new is None or mailbox not in addresses:
                text = "Please choose a mailbox, and a policy or a file."
                return await _backtest_page(visit, faults=[visit.say(text)], status=422)
            report = await backtest.run_backtest(runtime.database, runtime.policies, new, query)
    except InvalidFile as refused:  # of the file, or since the policy of the mailbox is gone
        return await _backtest_page(visit, faults=refused.faults, status=422)
    mask = await visit.mask()
    return await _backtest_page(
        visit,
        new=new,
        report=report,
        since=report.cut_at or query.since,
        until=query.until,
        is_timed_out=report.cut_at is not None and report.mails < number,
        moved_on=report.moved_on.total(),
        left_out=_left_out(report),
        aspects=[(visit.say(name_of(each)), many) for each, many in report.aspects.most_common()],
        differences=await asyncio.to_thread(
            lambda: [_shown(visit, mask, each) for each in report.shown]
        ),
    )


async def _new_policy(visit: Visit) -> Policy | None:
    """The policy of the file, or the one that was chosen. Raises InvalidFile."""
    if not visit.file:
        return visit.runtime.policies.get(visit.form.get("policy", ""))
    source = visit.say("the file")
    if len(visit.file) > POLICY_BYTES:
        raise InvalidFile(source, [visit.say("A policy file has at most 256 KiB.")])
    try:
        return await policy_files.read(text_of(visit.file, source), source)
    except TakesTooLong:
        text = "It takes too long to read this file, which is larger than any policy needs to be."
        raise InvalidFile(source, [visit.say(text)]) from None


def _left_out(report: Report) -> Sequence[tuple[str, int]]:
    found = {each.value: report.lines.get(each, 0) for each in (Verdict.REFUSED, Verdict.DEFERRED)}
    found["repeats"] = report.lines.get(Verdict.DUPLICATE, 0)
    found["lost"] = report.lost
    return [(name, number) for name, number in found.items() if number > 0]


def _shown(visit: Visit, mask: Mask, difference: Difference) -> DifferentMail:
    mail, was, would_be = difference.mail, difference.was, difference.would_be
    goes_elsewhere = Aspect.VERDICT in difference.aspects or Aspect.REASON in difference.aspects
    changes = [] if goes_elsewhere else difference.aspects
    return DifferentMail(
        path=f"/mails/{mail.journal_id}",
        at=mail.decided_at,
        author=one_line(mask(mail.author or mail.envelope.mail_from), LONGEST_SUBJECT),
        subject=one_line(mask(mail.subject), LONGEST_SUBJECT),
        was=_words(visit, was.verdict, was.reason) if goes_elsewhere else "",
        would_be=_words(visit, would_be.verdict, would_be.reason) if goes_elsewhere else "",
        changes=[
            visit.say(
                "{what}: {was} → {became}",
                what=visit.say(name_of(each)),
                was=value_of(was, each).worded(visit.say),
                became=value_of(would_be, each).worded(visit.say),
            )
            for each in changes
        ],
    )


def _words(visit: Visit, verdict: Verdict, reason: str) -> str:
    return f"{verdict_words(verdict, visit.say)}, {reason_words(reason, visit.say)}"


async def _backtest_page(
    visit: Visit, faults: Sequence[str] = (), status: int = 200, **found: object
) -> web.Response:
    known, mailboxes = visit.runtime.policies, await visit.mailboxes()
    chosen = {
        name: visit.form.get(name) or visit.request.query.get(name, "")
        for name in ("mailbox", "policy", "mails")
    }
    # Who comes from a policy wants to change it for a mailbox that has it.
    uses_it = next((each.address for each in mailboxes if each.policy == chosen["policy"]), "")
    chosen["mailbox"] = chosen["mailbox"] or uses_it
    return visit.page(
        "backtest.html",
        status,
        mailboxes=mailboxes,
        policies=[known[name] for name in sorted(known)],
        numbers=MAILS,
        chosen=chosen,
        has_file=bool(visit.file),
        days=REACH.days,
        patience=int(PATIENCE_S),
        faults=faults,
        **{"report": None, **found},
    )
