"""The lines of a mail that may be commands, recognised by their sign alone.

What a command is, `rules.commands` knows. This is apart from it, because the reading of a mail must
keep such lines whole, and each process that reads mails would load all of the commands for it.
"""

from __future__ import annotations

import re

NUMBER_SIGNS = "#\uff03\ufe5f"
"""Every command begins with one."""
ORDINAL = r"(?:[0-9]{1,2}[.)]\s{0,4})?"
"""Of a list, which clients make of lines that begin with a number."""
_LETTERS_WITHOUT_INK = "_\u115f\u1160\u17b4\u17b5\u3164\uffa0"
MAY_BE_COMMAND = re.compile(
    rf"^(?>(?:[^\w\n>{NUMBER_SIGNS}]|[{_LETTERS_WITHOUT_INK}]){{0,64}}){ORDINAL}"
    rf"[{NUMBER_SIGNS}].*+",
    re.MULTILINE,
)
"""A line that may be a command: only the few that it finds are examined."""
