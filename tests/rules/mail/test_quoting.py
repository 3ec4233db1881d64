"""The author's text: what is shown, what is hidden, and what may be sent to a customer."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.mail.quoting import REPLY_MARK as MARK
from rules.mail.quoting import is_forward, masked, own_text, published, visible

SUPPORT = "support@help.example"
TOKEN = "aebagbafaydqqcikbmga2dqpcaireeyuculb"
REPLY_TO = f"support+{TOKEN}@help.example"

HEADER_BLOCK = "From: Sam <s@h.example>\nSent: Monday\nTo: Ann\nSubject: Re: Printer\n\nIs it on?"


def shown(text: str, *, forwarded: bool = False) -> str:
    return visible(text, forwarded=forwarded).text


@pytest.mark.parametrize(
    "attribution",
    [
        "On Mon, 5 Feb 2024 at 10:00, Sam <s@h.example> wrote:",
        "On Mon, Feb 5, 2024 at 10:00 AM Sam <\ns@h.example> wrote:",
        "On Mon, 5 Feb 2024 at 10:00, Sam Smith <s@h.example\n> wrote:",
        "On Monday Sam wrote:",
        "Sam <s@h.example> wrote:",
        "Am 05.02.24 um 10:00 schrieb Sam:",
        "Am Mo., 5. Feb. 2024 um 10:00 Uhr schrieb Sam <s@h.example>:",
        "Sam <s@h.example> schrieb am Mo., 5. Feb. 2024\num 10:00 Uhr:",
        "Le lun. 5 févr. 2024 à 10:00, Sam <s@h.example> a écrit :",
        "Le 05/02/2024 à 10:00, Sam a écrit\xa0:",
        "El lun, 5 feb 2024 a las 10:00, Sam (<s@h.example>) escribió:",
        "Il giorno lun 5 feb 2024 alle ore 10:00 Sam <s@h.example> ha\nscritto:",
        "Op ma 5 feb 2024 om 10:00 schreef Sam <s@h.example>:",
        "Em seg., 5 de fev. de 2024 às 10:00, Sam <s@h.example>\nescreveu:",
        "Den mån 5 feb. 2024 kl 10:00 skrev Sam <s@h.example>:",
        "---- On Mon, 05 Feb 2024 10:00:00 +0100 Sam <s@h.example> wrote ---",
        "2024-02-05 10:00 GMT+01:00 Sam <s@h.example>:",
    ],
)
def test_an_attribution_and_the_quote_below_are_hidden(attribution: str) -> None:
    found = visible(f"It is on.\n\n{attribution}\n\n> Is it on?\n>\n> Sam\n")
    assert found.text == "It is on."
    assert found.hidden.startswith(attribution)


@pytest.mark.parametrize(
    "header",
    [
        "From: Sam <s@h.example>\nSent: Monday\nTo: Ann\nSubject: Re: Printer",
        "________________________________\nFrom: Sam\nSent: Monday\nTo: Ann\nSubject: Re",
        "-----Original Message-----\nFrom: Sam\nSent: Monday\nTo: Ann\nSubject: Re",
        "-----Ursprüngliche Nachricht-----\nVon: Sam\nGesendet: Montag\nAn: Ann\nBetreff: Re",
        "Von: Sam\nGesendet: Montag, 5. Februar 2024 10:00\nAn: Ann\nBetreff: AW: Drucker",
        "*From:* Sam\n*Sent:* Monday\n*To:* Ann\n*Subject:* Re",
        "De\xa0: Sam\nEnvoyé\xa0: lundi\nÀ\xa0: Ann\nObjet\xa0: RE",
        "De: Sam\nEnviado el: lunes\nPara: Ann\nAsunto: RE",
        "Da: Sam\nInviato: lunedì\nA: Ann\nOggetto: R",
        "Van: Sam\nVerzonden: maandag\nAan: Ann\nOnderwerp: RE",
        "De: Sam\nEnviada em: segunda-feira\nPara: Ann\nAssunto: RES",
        'From:   "Sam" <s@h.example>\nTo:     "Ann" <a@c.example>\nDate:   05.02.2024 10:00',
    ],
)
def test_a_header_block_and_all_below_are_hidden(header: str) -> None:
    found = visible(f"It is on.\n\n\n{header}\n\nIs it on?\n\nSam")
    assert found.text == "It is on."
    assert found.hidden.startswith(header.partition("\n")[0])


def test_a_header_block_is_recognised_after_many_wrapped_recipients() -> None:
    header = "From: Sam\nTo: Ann;\n Bob;\n Cleo;\n Dan\nSent: Monday\nSubject: Re"
    assert shown(f"It is on.\n\n{header}") == "It is on."


def test_the_mark_of_our_notices_begins_a_quote() -> None:
    assert shown(f"It is on.\n\n{MARK}\n\nIs it on?") == "It is on."


def test_a_quoted_tail_without_attribution_is_hidden() -> None:
    assert shown("It is on.\n\n> Is it on?\n> Sam") == "It is on."


def test_a_dated_attribution_hides_the_quote_that_lost_its_marks() -> None:
    quote = "On Mon, 5 Feb 2024, Sam <s@h.example> wrote:\n\nIs it on?"
    assert shown(f"It is on.\n\n{quote}") == "It is on."


@pytest.mark.parametrize(
    "text",
    [
        "On the screen stands what Sam wrote:\n\nPress any key",
        "On Monday Sam wrote:\n\nPress any key",
        "The log says\nFrom: here\nand no more",
        "The header:\nReceived: by mx\nFrom: Sam\nTo: Ann\nDate: Monday\n\nIs it on?",
        "The header:\nReceived: by mx;\n Monday\nFrom: Sam\nTo: Ann\nDate: Monday\n\nIs it on?",
        "The table:\n--\nfirst\n" + "row\n" * 30,
        "The table:\n-- \nfirst\n" + "row\n" * 30,
    ],
)
def test_text_that_resembles_a_quote_stays(text: str) -> None:
    assert visible(text) == visible(text, forwarded=True)


@pytest.mark.parametrize("line", ["-- ", "--"])
def test_the_signature_is_hidden(line: str) -> None:
    found = visible(f"It is on.\n\n{line}\nAnn\nCorp")
    assert (found.text, found.hidden) == ("It is on.", f"{line}\nAnn\nCorp")


def test_empty_lines_at_the_end_are_none_of_a_signature() -> None:
    """No signature of DKIM covers how many they are."""
    text = "It is on.\n\n-- \nAnn\nCorp"
    assert shown(text + "\n" * 30) == shown(text) == "It is on."
    rule = "It is on.\n--\nFirst\n" + "row\n" * 15
    assert shown(rule + "\n" * 10).rstrip() == shown(rule).rstrip() == rule.rstrip()


def test_a_signature_above_the_quote_is_hidden_with_it() -> None:
    assert shown(f"It is on.\n\n-- \nAnn\n\n{HEADER_BLOCK}") == "It is on."


@pytest.mark.parametrize(
    "line", ["Sent from my iPhone", "Get Outlook for iOS<https://x>", "Von meinem iPhone gesendet"]
)
def test_the_client_s_advertising_line_is_hidden(line: str) -> None:
    assert shown(f"It is on.\n\n{line}\n\nOn 5 Feb 2024, Sam wrote:\n> Is it on?") == "It is on."


def test_a_footer_below_the_quote_is_not_an_answer() -> None:
    quote = "On 5 Feb 2024, Sam wrote:\n> Is it on?"
    assert shown(f"It is on.\n\n{quote}\n\n-- \nThe list") == "It is on."


@pytest.mark.parametrize(
    "text",
    [
        "On 5 Feb 2024, Sam wrote:\n> Is it on?\nYes.\n> Is it warm?\nNo.\n\n-- \nAnn",
        "Hello Sam,\n\nOn 5 Feb 2024, Sam wrote:\n> Is it on?\n\nIt is on.",
        "> Is it on?\nYes.\n> Is it warm?\nNo.\n> Is it loud?",
    ],
)
def test_an_answer_below_or_between_the_quoted_lines_shows_everything(text: str) -> None:
    assert (visible(text).text, visible(text).hidden) == (text, "")


def test_lines_quoted_by_hand_do_not_keep_the_tail_visible() -> None:
    own = "It says\n> paper jam\nbut there is none."
    assert shown(f"{own}\n\nOn 5 Feb 2024, Sam wrote:\n> Is it on?") == own
    assert shown(f"{own}\n\n{HEADER_BLOCK}") == own


@pytest.mark.parametrize("text", ["", "> Is it on?", HEADER_BLOCK, "-- \nAnn", "Sent from my TV"])
def test_if_nothing_would_be_left_everything_is_shown(text: str) -> None:
    assert (visible(text).text, visible(text).hidden) == (text, "")


@pytest.mark.parametrize(
    "line",
    [
        "---------- Forwarded message ---------",
        "Begin forwarded message:",
        "> Begin forwarded message:",
        "-------- Weitergeleitete Nachricht --------",
        "---------- Message transféré ---------",
        "============ Forwarded message ============",
        "----- Forwarded by Ann Example/Corp on 05.02.2024 10:00 -----",
    ],
)
@pytest.mark.parametrize("before", ["", "Please look:\n\n", "FYI: see below\n"])
def test_a_forwarded_mail_is_shown(before: str, line: str) -> None:
    text = f"{before}{line}\n{HEADER_BLOCK}"
    assert (visible(text).text, visible(text).hidden) == (text, "")


def test_a_forward_within_the_quote_stays_hidden() -> None:
    quote = "> Look:\n>\n> ---------- Forwarded message ---------\n> From: Bob\n> To: Sam"
    assert shown(f"Done.\n\nOn 5 Feb 2024, Sam wrote:\n{quote}") == "Done."


def test_the_subject_distinguishes_an_outlook_forward_from_a_reply() -> None:
    text = f"Please look.\n\n{HEADER_BLOCK}"
    assert shown(text) == "Please look."
    assert shown(text, forwarded=is_forward("FW: Printer")) == text


@pytest.mark.parametrize(
    ("subject", "forward"),
    [
        ("Fwd: Printer", True),
        ("WG: Re: Drucker", True),
        ("TR : Imprimante", True),
        ("转发：打印机", True),
        ("İLT: Yazıcı", True),
        ("Re: FW: Printer", False),
        ("Printer: FW", False),
        ("", False),
    ],
)
def test_only_the_first_prefix_makes_a_forward(subject: str, forward: bool) -> None:
    assert is_forward(subject) is forward


LINES = st.sampled_from(
    f"""It is on.

> quoted
>> deep
--
On 5 Feb 2024, Sam wrote:
Sam wrote:
a <s@h.example
> x:
From: Sam
Sent: Monday
To: Ann
---------- Forwarded message ---------
-----Original Message-----
____
{MARK}
> {MARK}
Sent from my TV""".split("\n")
)
TEXTS = st.lists(LINES | st.text(max_size=20), max_size=12).map("\n".join)


@given(TEXTS)
def test_nothing_is_ever_lost(text: str) -> None:
    found = visible(text)
    parts = (found.hidden_above, found.text, found.hidden)
    assert "".join("".join(parts).split()) == "".join(text.split())


@given(TEXTS)
def test_something_is_always_shown(text: str) -> None:
    assert bool(shown(text).strip()) == bool(text.strip())


@given(TEXTS)
def test_published_text_is_above_every_mark(text: str) -> None:
    shown = published(text, MARK)
    assert MARK not in shown
    above = iter(text.partition(MARK)[0].split("\n"))
    assert all(any(line in each for each in above) for line in shown.split("\n") if line)
    assert not any(line.startswith(">") for line in shown.split("\n"))


def test_published_is_the_text_above_the_mark() -> None:
    assert published(f"It is on.\n\n{MARK}\nprivate", MARK) == "It is on."


@pytest.mark.parametrize(
    "quoted",
    [
        f"> {MARK}\n> private",
        "> ##- Write your reply\n> above this line -##\n> private",
        "> ##- Write\n> your reply above\n> this line -##\n> private",
        "On 5 Feb 2024, Sam wrote:\n> private",
        "> On 5 Feb 2024, Sam wrote:\n> > private",
        f"> {HEADER_BLOCK}",
        HEADER_BLOCK,
        f"---------- Forwarded message ---------\n{HEADER_BLOCK}",
        "> private\n> private",
        "-- \nSam",
    ],
)
def test_published_drops_the_quote_and_all_below(quoted: str) -> None:
    assert published(f"It is on.\n\n{quoted}", MARK) == "It is on."


@pytest.mark.parametrize("header", ["On 5 Feb 2024, Sam wrote:", f"> {MARK}"])
def test_published_drops_answers_between_the_quoted_lines(header: str) -> None:
    assert published(f"See below.\n\n{header}\n> private\nYes.", MARK) == "See below."


def test_nothing_that_is_marked_is_published_even_if_it_was_quoted_by_hand() -> None:
    own = "It says\n> paper jam\nbut there is none."
    text = f"{own}\n\n> {MARK}\n> private"
    assert published(text, MARK) == "It says\n\nbut there is none."
    assert published(text, MARK, by_mail=False) == own


def test_published_may_be_empty() -> None:
    assert published(f"> {MARK}\n> private\nYes.", MARK) == ""
    assert published("On 5 Feb 2024, Sam wrote:\n> private", MARK) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Write to {REPLY_TO}.", f"Write to {SUPPORT}."),
        (f"Support <{REPLY_TO}>", f"Support <{SUPPORT}>"),
        (f"[x](mailto:{REPLY_TO}?subject=y)", f"[x](mailto:{SUPPORT}?subject=y)"),
        (REPLY_TO.upper(), SUPPORT),
        (f"mailto:support%2B{TOKEN}%40help.example", f"mailto:{SUPPORT}"),
        (f"{REPLY_TO},{REPLY_TO}", f"{SUPPORT},{SUPPORT}"),
        (f"> support+{TOKEN[:20]} \n> {TOKEN[20:]}@help.example", f"> {SUPPORT}"),
        (f">> support+{TOKEN}\n>> @help.example x", f">> {SUPPORT} x"),
    ],
)
def test_no_reply_address_is_left(text: str, expected: str) -> None:
    assert masked(text, {SUPPORT}) == expected


@pytest.mark.parametrize(
    "text",
    [
        SUPPORT,
        "support+sales@help.example",
        f"support+{TOKEN}@elsewhere.example",
        f"sales+{TOKEN}@help.example",
        "support+\nplease write to ann@help.example",
    ],
)
def test_other_addresses_are_left_alone(text: str) -> None:
    assert masked(text, {SUPPORT}) == text


@given(st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=20, max_size=64), st.text(max_size=9))
def test_no_token_survives_masking(token: str, around: str) -> None:
    text = f"{around}support+{token}@help.example{around}"
    assert masked(text, {SUPPORT}) == f"{around}{SUPPORT}{around}"


MANY = 200_000
HOSTILE = [
    ">\n" * MANY,
    "On \n" * MANY,
    "On " * MANY,
    "From: a\n" * (MANY // 2),
    "-- \n" * (MANY // 2),
    ">\nx\n" * (MANY // 4),
    "\n" * MANY,
    "-" * MANY,
    "support+a" * MANY,
    "support+" + "a\n> " * MANY,
    "support" + " " * MANY,
    "support+" + "a\n" * MANY,
    "support" + " \r\n" * MANY,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
@pytest.mark.parametrize(
    "work",
    [visible, lambda text: published(text, MARK), lambda text: masked(text, {SUPPORT})],
    ids=["visible", "published", "masked"],
)
def test_hostile_text_takes_less_than_a_second(work: Callable[[str], object], text: str) -> None:
    begin = time.process_time()
    work(text)
    assert time.process_time() - begin < 1


def test_lines_that_each_need_a_closer_look_take_linear_time() -> None:
    def cost(lines: int) -> float:
        text = "On wrote:\na@b wrote\n1 x:\n>\n---- Forwarded:\nFrom: a\n" * (lines // 6)
        begin = time.process_time()
        visible(text)
        published(text, MARK)
        return time.process_time() - begin

    cost(600)
    assert cost(60_000) < 30 * max(cost(6_000), 0.01)


def test_a_reply_address_of_any_of_our_mailboxes_is_masked() -> None:
    text = f"Write to {REPLY_TO} or sales+{TOKEN}@shop.example, not to sales+{TOKEN}@help.example."

    assert masked(text, {SUPPORT, "sales@shop.example"}) == (
        f"Write to {SUPPORT} or sales@shop.example, not to sales+{TOKEN}@help.example."
    )


def test_hundreds_of_mailboxes_take_one_pass() -> None:
    ours = {f"desk{n}@help.example" for n in range(500)}
    text = f"desk7+{TOKEN}@help.example " + "desk+ " * 20_000
    began = time.process_time()

    assert masked(text, ours).startswith("desk7@help.example ")

    assert time.process_time() - began < 1


# The author's own text


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("It is on.\n\nOn Monday Sam wrote:\n> Is it on?", "It is on."),
        ("On Monday Sam wrote:\n> Is it on?\nIt is.", "On Monday Sam wrote:\nIt is."),
        ("> Is it on?\nIt is.\n> Which one?\nThe blue one.", "It is.\nThe blue one."),
        ("On Mon, 5 Feb 2024 at 10:00, Sam <s@h.example> wrote:\n> Is it on?", ""),
        (f"{HEADER_BLOCK}\nProject: demo-1", ""),
        ("It is on.\n-- \nAnn", "It is on."),
    ],
)
def test_quoted_text_is_not_the_author_s_own_text(text: str, own: str) -> None:
    assert own_text(text) == own
