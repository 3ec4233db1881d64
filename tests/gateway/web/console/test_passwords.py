"""What a password costs to guess, and what the wait for an answer tells."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

from gateway.web.console import sessions

# As the program has them: within a test, a fixture has replaced both with cheap ones.
OURS, OF_NOBODY = sessions._hasher, sessions._OF_NOBODY
RECOMMENDED = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)


def test_the_program_hashes_passwords_as_rfc_9106_recommends() -> None:
    assert not RECOMMENDED.check_needs_rehash(OURS.hash("correct horse battery"))


def test_an_address_without_a_password_takes_as_long_as_one_that_has_one() -> None:
    assert not OURS.check_needs_rehash(OF_NOBODY)
    with pytest.raises(VerifyMismatchError):  # and not InvalidHashError, which takes no time
        OURS.verify(OF_NOBODY, "correct horse battery")
