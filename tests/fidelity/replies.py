"""How well the author's own words are found in plain replies whose words are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rules.mail.quoting import visible


@dataclass(frozen=True, slots=True)
class ReplyScore:
    exact: tuple[str, ...]
    longer: tuple[str, ...]
    """Something is shown that is not the author's."""
    losing: tuple[str, ...]
    """A line of the author's is hidden."""

    def __str__(self) -> str:
        every = len(self.exact) + len(self.longer) + len(self.losing)
        return (
            f"  {len(self.exact)} of {every} exact; {len(self.longer)} show more "
            f"({', '.join(self.longer)}); {len(self.losing)} hide an author's line "
            f"({', '.join(self.losing)})"
        )


def scored(folder: Path) -> ReplyScore:
    """Of `emails/NAME.txt`, whose own words are in `trimmed/NAME.txt`."""
    exact, longer, losing = [], [], []
    for path in sorted((folder / "emails").glob("*.txt")):
        wanted = _lines((folder / "trimmed" / path.name).read_text("utf-8"))
        shown = _lines(visible(path.read_text("utf-8")).text)
        if shown == wanted:
            exact.append(path.stem)
        elif set(wanted) <= set(shown):
            longer.append(path.stem)
        else:
            losing.append(path.stem)
    return ReplyScore(tuple(exact), tuple(longer), tuple(losing))


def _lines(text: str) -> list[str]:
    """White space aside."""
    return [" ".join(line.split()) for line in text.split("\n") if line.strip()]
