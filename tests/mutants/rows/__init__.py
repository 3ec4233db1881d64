"""For each promise of the presets, the edit that breaks it, and the test that must detect it.

A row is named as its test is, `W3 …`. `python -m tests.mutants --rows W3` tries the rows whose
names begin so; `--rows` alone tries all of them. Append yours to its preset.
"""

from __future__ import annotations

from tests.mutants.rows.aiven import AIVEN
from tests.mutants.rows.all import ALL
from tests.mutants.rows.atlan import ATLAN
from tests.mutants.rows.earlier import EARLIER
from tests.mutants.rows.said import SAID
from tests.mutants.rows.stakater import STAKATER
from tests.mutants.rows.weka import WEKA

ROWS = (*EARLIER, *WEKA, *STAKATER, *AIVEN, *ATLAN, *ALL, *SAID)
