"""Everybody writes, in any order; after each step the laws of the conversation hold."""

from __future__ import annotations

from tests.properties.conversation.follow_ups import FollowUps
from tests.properties.conversation.machines import Machines
from tests.properties.conversation.office import Office
from tests.properties.conversation.quarantine import Quarantine
from tests.properties.conversation.threads import Threads
from tests.properties.conversation.writers import Writers


class Conversation(Writers, Machines, Office, Quarantine, Threads, FollowUps):
    """What people, machines and the desks do."""
