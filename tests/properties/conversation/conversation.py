"""Everybody writes, in any order; after each step the laws of the conversation hold."""

from __future__ import annotations

from tests.properties.conversation.automatic_mail_steps import Machines
from tests.properties.conversation.follow_up_steps import FollowUps
from tests.properties.conversation.mail_steps import Writers
from tests.properties.conversation.quarantine_steps import Quarantine
from tests.properties.conversation.staff_steps import Office
from tests.properties.conversation.thread_steps import Threads


class Conversation(Writers, Machines, Office, Quarantine, Threads, FollowUps):
    """What people, machines and the desks do."""
