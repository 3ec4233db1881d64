"""The decision on one mail: an ordered tuple of checks; the first that answers wins."""

from __future__ import annotations

from collections.abc import Callable

from rules.decision.case import Case, Finding
from rules.decision.entitlement import entitlement
from rules.decision.filing import known_ticket, new_ticket
from rules.decision.model import Action, Decision, OpenTicket, Step
from rules.decision.screening import author, automatic, bounce, duplicate, proof, sender
from rules.facts import Facts
from rules.identity import identify
from rules.mail import Mail
from rules.mail.automatic import sign_of_automation
from rules.mail.header import Ambiguous
from rules.policy import Policy

Check = Callable[[Case], Finding]


def decide(mail: Mail, facts: Facts, policy: Policy) -> Decision:
    """What happens to a mail. The first check that answers wins; the last always answers."""
    who = None if isinstance(mail.author, Ambiguous) else identify(mail.author, facts)
    sign = "our own mail, sent back" if facts.looped else sign_of_automation(mail, facts.envelope)
    case = Case(mail, facts, policy, who, entitlement(who, facts, policy), sign)
    trace: list[Step] = []
    for check in CHECKS:
        finding = check(case)
        trace.append(Step(check.__name__, finding.saw, finding.outcome))
        if finding.action is not None and finding.reason is not None:
            _assert_never_critical(finding.action, policy)
            return Decision(finding.action, finding.reason, tuple(trace))
    raise AssertionError("new_ticket answers every mail")


CHECKS: tuple[Check, ...] = (
    duplicate,
    bounce,
    automatic,
    author,
    proof,
    sender,
    known_ticket,
    new_ticket,
)


def _assert_never_critical(action: Action, policy: Policy) -> None:
    """The second barrier: the type cannot say critical, and what it says is looked at again."""
    if isinstance(action, OpenTicket):
        critical = {level.name for level in policy.levels if level.critical}
        if action.severity.name in critical:
            raise AssertionError(f"a mail would open at {action.severity.name}")
