"""An answer names next steps, or does not."""

from __future__ import annotations

import pytest

from rules.service.next_steps import names_next_steps


@pytest.mark.parametrize(
    "text",
    [
        "We found the cause. Next steps: we replace the disk.",
        "We'll roll back the release and check again.",
        "I’ll call you at 3 pm.",
        "Please restart the pod and send us its log.",
        "Which version do you run?",
        "A fix is out.\nNext update by 14:00.",
        "The vendor is on it; we keep you posted.",
        "Done so far: backup. Restore follows once the backup is verified.",
        "Wir haben die Ursache. Nächste Schritte: Tausch der Platte.",
        "Wir werden die Version zurücksetzen.",
        "Bitte starten Sie den Dienst neu.",
        "Wir melden uns bis 14 Uhr.",
        "Nous allons redémarrer le service.",
        "Vamos a reiniciar el servicio.",
        "Prossimi passi: riavvio del servizio.",
        "Wij zullen de dienst herstarten.",
        "Próximos passos: reiniciar o serviço.",
    ],
)
def test_an_answer_that_says_what_happens_next_names_it(text: str) -> None:
    assert names_next_steps(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thank you for the report.",
        "The disk of node 3 is broken.",
        "The disk is broken.\n\n-- \nSam\nPlease think of the trees before you print this.",
        "The disk is broken.\n\n> Which disk is it?",
        "We are aware of it.",
        "We are looking into it.",
        "Die Platte von Knoten 3 ist defekt.",
        "Wir sehen uns das an.",
        "Le disque est en panne.",
        "El disco está roto.",
        "Il disco è rotto.",
        "De schijf is kapot.",
        "O disco está com defeito.",
    ],
)
def test_an_answer_that_only_states_what_is_known_names_none(text: str) -> None:
    assert not names_next_steps(text)


def test_only_the_beginning_of_a_long_answer_is_read() -> None:
    assert not names_next_steps("x" * 8_000 + " Next steps: none.")
