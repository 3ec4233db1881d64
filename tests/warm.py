"""What each server reads at its start and no server changes: read once, before processes are forked
(`tests/preloaded.py`)."""

from gateway import policies
from gateway.authentication.suffixes import public_suffixes
from gateway.cli.commands import ENTRIES, loaded

public_suffixes()
policies.load(None)
for each in ENTRIES:  # the module of each command
    loaded(each)
