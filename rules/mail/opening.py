"""What is said of a mail whose content was packed: encrypted, signed, or in a file of Outlook."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

from rules.sentence import sentence

ENCRYPTED = sentence(
    "The content of this email is encrypted and cannot be read here. The attached file has it."
)
"""Stands in the place of the text."""

Opening = Literal[
    "encrypted", "signed", "unopened", "winmail.dat", "damaged winmail.dat", "encoded files"
]

TRACED = MappingProxyType[Opening, tuple[str, str]](
    {
        "encrypted": ("encrypted content", "not read; the text says so"),
        "signed": (
            "content within an S/MIME signature",
            "opened without a key; the signature is not checked",
        ),
        "unopened": (
            "more parts within S/MIME signatures than are read",
            "not opened: the envelope is a file of the mail",
        ),
        "winmail.dat": ("a winmail.dat", "unpacked: its files are files of the mail"),
        "damaged winmail.dat": ("a damaged winmail.dat", "unpacked as far as it can be read"),
        "encoded files": ("files written into the text", "taken out of it, as files of the mail"),
    }
)
"""What the trace says of each."""
