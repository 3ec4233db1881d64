"""How a listener treats mail from strangers: a setting that needs nothing else of the rules."""

from __future__ import annotations

from typing import Literal

StrangerHandling = Literal["refuse", "hold"]
"""How mail from strangers is handled."""
