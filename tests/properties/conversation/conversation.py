"""The complete state machine: all steps in any order, with the invariants after each."""

from __future__ import annotations

from tests.properties.conversation.automatic_mail_steps import AutomaticMailSteps
from tests.properties.conversation.follow_up_steps import FollowUpSteps
from tests.properties.conversation.mail_steps import MailSteps
from tests.properties.conversation.quarantine_steps import QuarantineSteps
from tests.properties.conversation.staff_steps import StaffSteps
from tests.properties.conversation.thread_steps import ThreadSteps


class Conversation(
    MailSteps, AutomaticMailSteps, StaffSteps, QuarantineSteps, ThreadSteps, FollowUpSteps
):
    """Everything that customers, staff and machines do."""
