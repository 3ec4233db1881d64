"""Of a staff person's reply no line of the quote is published: forty styles in twelve languages.

Staff answer our notices, which have notes and facts in them that are not for customers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from rules.mail.quoting import REPLY_MARK, published

OWN = "Please restart it.\n\nSam"
DESK = "Desk <support+aebagbafaydqqcikbmga2dqpcaireeyuculb@help.example>"
NOTICE = f"{REPLY_MARK}\n\nTicket    #7\n\nAnn exaggerates.\n"
WITHOUT_MARK = "Ticket    #7\n\nAnn exaggerates.\n"


@dataclass(frozen=True)
class Words:
    """What clients write in a language."""

    names: tuple[str, str, str, str, str]
    """Of From, the date, To, Cc and the subject."""
    date: str
    wrote: str
    """An attribution of Gmail or Apple Mail, with `{who}`."""
    wrote_marked: str
    """One of Thunderbird, with `{who}`, or of a webmail."""
    original: str
    forwarded: str


LANGUAGES = {
    "en": Words(
        ("From", "Sent", "To", "Cc", "Subject"),
        "Monday, 30 November 2026 09:12",
        "On Mon, Nov 30, 2026 at 9:12 AM {who} wrote:",
        "On 30/11/2026 09:12, {who} wrote:",
        "Original Message",
        "Forwarded message",
    ),
    "de": Words(
        ("Von", "Gesendet", "An", "Cc", "Betreff"),
        "Montag, 30. November 2026 09:12",
        "Am Mo., 30. Nov. 2026 um 09:12 Uhr schrieb {who}:",
        "Am 30.11.26 um 09:12 schrieb {who}:",
        "Ursprüngliche Nachricht",
        "Weitergeleitete Nachricht",
    ),
    "fr": Words(
        ("De\xa0", "Envoyé\xa0", "À\xa0", "Cc\xa0", "Objet\xa0"),
        "lundi 30 novembre 2026 09:12",
        "Le lun. 30 nov. 2026 à 09:12, {who} a écrit :",
        "Le 30/11/2026 à 09:12, {who} a écrit :",
        "Message d'origine",
        "Message transféré",
    ),
    "es": Words(
        ("De", "Enviado", "Para", "CC", "Asunto"),
        "lunes, 30 de noviembre de 2026 9:12",
        "El lun, 30 nov 2026 a las 9:12, {who} escribió:",
        "El 30/11/26 a las 9:12, {who} escribió:",
        "Mensaje original",
        "Mensaje reenviado",
    ),
    "it": Words(
        ("Da", "Inviato", "A", "Cc", "Oggetto"),
        "lunedì 30 novembre 2026 09:12",
        "Il giorno lun 30 nov 2026 alle ore 09:12 {who} ha scritto:",
        "Il 30/11/2026 09:12, {who} ha scritto:",
        "Messaggio originale",
        "Messaggio inoltrato",
    ),
    "nl": Words(
        ("Van", "Verzonden", "Aan", "CC", "Onderwerp"),
        "maandag 30 november 2026 09:12",
        "Op ma 30 nov 2026 om 09:12 schreef {who}:",
        "Op 30-11-2026 om 09:12 schreef {who}:",
        "Oorspronkelijk bericht",
        "Doorgestuurd bericht",
    ),
    "pt": Words(
        ("De", "Enviada em", "Para", "Cc", "Assunto"),
        "segunda-feira, 30 de novembro de 2026 09:12",
        "Em seg., 30 de nov. de 2026 às 09:12, {who} escreveu:",
        "Em 30/11/2026 09:12, {who} escreveu:",
        "Mensagem original",
        "Mensagem encaminhada",
    ),
    "pl": Words(
        ("Od", "Wysłano", "Do", "DW", "Temat"),
        "poniedziałek, 30 listopada 2026 09:12",
        "pon., 30 lis 2026 o 09:12 {who} napisał(a):",
        "W dniu 30.11.2026 o 09:12, {who} pisze:",
        "Wiadomość oryginalna",
        "Przekazana wiadomość",
    ),
    "ru": Words(
        ("От", "Отправлено", "Кому", "Копия", "Тема"),
        "30 ноября 2026 г. 9:12",
        "пн, 30 нояб. 2026 г. в 09:12, {who}:",
        "30.11.2026 9:12, {who} пишет:",
        "Исходное сообщение",
        "Пересылаемое сообщение",
    ),
    "tr": Words(
        ("Kimden", "Gönderildi", "Kime", "Bilgi", "Konu"),
        "30 Kasım 2026 Pazartesi 09:12",
        "{who}, 30 Kas 2026 Pzt, 09:12 tarihinde şunu yazdı:",
        "30.11.2026 09:12 tarihinde {who} yazdı:",
        "Özgün İleti",
        "İletilmiş Mesaj",
    ),
    "zh": Words(
        ("发件人", "发送时间", "收件人", "抄送", "主题"),
        "2026年11月30日 9:12",
        "{who} 于2026年11月30日周一 09:12写道：",
        "在 2026/11/30 9:12, {who} 写道:",
        "原始邮件",
        "转发的邮件",
    ),
    "ja": Words(
        ("差出人", "送信日時", "宛先", "CC", "件名"),
        "2026年11月30日 月曜日 9:12",
        "2026年11月30日(月) 9:12 {who}:",
        "2026/11/30 9:12、{who}のメール:",
        "元のメッセージ",
        "転送されたメッセージ",
    ),
}


def block(words: Words, order: str = "fdtcs", line: str = "{name}: {value}") -> str:
    """A header block with its fields in this order."""
    values = (DESK, words.date, "Sam", "Sue", "RE: Pump")
    fields = dict(zip("fdtcs", zip(words.names, values, strict=True), strict=True))
    return "\n".join(
        line.format(name=name, value=value) for name, value in map(fields.__getitem__, order)
    )


def marked(text: str, mark: str = "> ") -> str:
    return "\n".join(f"{mark}{line}" for line in text.rstrip("\n").split("\n"))


def wrapped(line: str) -> str:
    return line.replace(" <", "\n<")


STYLES: dict[str, Callable[[Words], str]] = {
    "Gmail": lambda w: f"{w.wrote.format(who=DESK)}\n\n{marked(NOTICE)}",
    "Gmail, wrapped": lambda w: f"{wrapped(w.wrote.format(who=DESK))}\n\n{marked(NOTICE)}",
    "Gmail, HTML": lambda w: f"{w.wrote.format(who=DESK)}\n\n{NOTICE}",
    "Gmail, its mark is cut off": lambda w: f"{w.wrote.format(who=DESK)}\n\n{marked(WITHOUT_MARK)}",
    "Gmail, neither": lambda w: f"{w.wrote.format(who=DESK)}\n\n{WITHOUT_MARK}",
    "Gmail, no empty line": lambda w: f"{w.wrote.format(who=DESK)}\n{marked(NOTICE)}",
    "Apple Mail": lambda w: marked(f"{w.wrote.format(who=DESK)}\n\n{NOTICE}"),
    "Apple Mail, deep": lambda w: marked(f"{w.wrote.format(who=DESK)}\n\n{NOTICE}", "> > "),
    "Apple Mail, no mark": lambda w: marked(f"{w.wrote.format(who=DESK)}\n\n{WITHOUT_MARK}"),
    "Thunderbird": lambda w: f"{w.wrote_marked.format(who='Desk')}\n{marked(NOTICE)}",
    "Thunderbird, no mark": lambda w: (
        f"{w.wrote_marked.format(who='Desk')}\n{marked(WITHOUT_MARK)}"
    ),
    "Thunderbird with address": lambda w: f"{w.wrote_marked.format(who=DESK)}\n{WITHOUT_MARK}",
    "Thunderbird, bars": lambda w: f"{w.wrote_marked.format(who=DESK)}\n{marked(NOTICE, '| ')}",
    "The Bat": lambda w: f"{w.wrote_marked.format(who='Desk')}\n\n{marked(WITHOUT_MARK, 'D> ')}",
    "Outlook": lambda w: f"{block(w)}\n\n{NOTICE}",
    "Outlook, no mark": lambda w: f"{block(w)}\n\n{WITHOUT_MARK}",
    "Outlook, without Cc": lambda w: f"{block(w, 'fdts')}\n\n{WITHOUT_MARK}",
    "Outlook, bold": lambda w: f"{block(w, line='*{name}:* {value}')}\n\n{WITHOUT_MARK}",
    "Outlook, Markdown": lambda w: f"{block(w, line='**{name}:** {value}')}\n\n{WITHOUT_MARK}",
    "Outlook, wide colons": lambda w: f"{block(w, line='{name}：{value}')}\n\n{WITHOUT_MARK}",
    "Outlook, no space": lambda w: f"{block(w, line='{name}:{value}')}\n\n{WITHOUT_MARK}",
    "Outlook, tabs": lambda w: f"{block(w, line='{name}:' + chr(9) + '{value}')}\n\n{WITHOUT_MARK}",
    "Outlook, right to left": lambda w: (
        f"{block(w, line=chr(0x200F) + '{name}:' + chr(0x200F) + ' {value}')}\n\n{WITHOUT_MARK}"
    ),
    "Outlook on the web": lambda w: f"{'_' * 32}\n{block(w)}\n\n{WITHOUT_MARK}",
    "Outlook, marked": lambda w: marked(f"{block(w)}\n\n{WITHOUT_MARK}"),
    "Outlook, marked deep": lambda w: marked(f"{block(w)}\n\n{WITHOUT_MARK}", ">> "),
    "Outlook 2003": lambda w: f"-----{w.original}-----\n{block(w)}\n\n{WITHOUT_MARK}",
    "Outlook Express": lambda w: f"----- {w.original} -----\n{block(w, 'ftds')}\n\n{WITHOUT_MARK}",
    "Outlook, Windows lines": lambda w: f"{block(w)}\n\n{WITHOUT_MARK}".replace("\n", "\r\n"),
    "Samsung": lambda w: f"-------- {w.original} --------\n{block(w, 'fdts')}\n\n{WITHOUT_MARK}",
    "Samsung, all in one line": lambda w: (
        f"-------- {w.original} --------{block(w, 'fdts')} {WITHOUT_MARK}".replace("\n", " ")
    ),
    "Samsung, words alone": lambda w: f"-------- {w.original} --------\n{WITHOUT_MARK}",
    "bold rule": lambda w: f"*-------- {w.original} --------*\n{WITHOUT_MARK}",
    "QQ": lambda w: f"------------------\xa0{w.original}\xa0------------------\n{WITHOUT_MARK}",
    "GMX": lambda w: f"{block(w, 'dfts')}\n\n{WITHOUT_MARK}",
    "T-Online": lambda w: f"-----{w.original}-----\n{block(w, 'sdft')}\n\n{WITHOUT_MARK}",
    "Notes": lambda w: f"{block(w, 'ftcds', '{name}:    {value}')}\n\n\n{WITHOUT_MARK}",
    "Zimbra": lambda w: f"{block(w, 'ftds')}\n\n{WITHOUT_MARK}",
    "Apple Mail, forwarded": lambda w: f"{w.forwarded}:\n\n{marked(block(w, 'fstd'))}\n\n{NOTICE}",
    "Gmail, forwarded": lambda w: (
        f"---------- {w.forwarded} ---------\n{block(w, 'fdst')}\n\n{WITHOUT_MARK}"
    ),
    "Thunderbird, forwarded": lambda w: (
        f"-------- {w.forwarded} --------\n{block(w, 'sdft')}\n\n{WITHOUT_MARK}"
    ),
    "GroupWise": lambda w: f">>> {DESK} 30.11.2026 09:12 >>>\n{WITHOUT_MARK}",
    "Zoho": lambda w: f"---- {w.wrote.format(who=DESK).rstrip(' :：')} ---\n\n{WITHOUT_MARK}",
    "the mark alone": lambda w: f"{NOTICE}\n{w.date}",
}


def test_there_are_forty_styles_in_twelve_languages() -> None:
    assert len(STYLES) >= 40
    assert len(LANGUAGES) >= 12


def shown(language: str, text: str) -> dict[str, str]:
    """What is published of a text that quotes in the place of `{quote}`, in each style."""
    quotes = {style: quote(LANGUAGES[language]) for style, quote in STYLES.items()}
    return {
        style: published(text.replace("{quote}", quote), REPLY_MARK)
        for style, quote in quotes.items()
    }


def in_each_style(own: str) -> dict[str, str]:
    return dict.fromkeys(STYLES, own)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_line_of_the_quote_is_published(language: str) -> None:
    assert shown(language, f"{OWN}\n\n{{quote}}") == in_each_style(OWN)


@pytest.mark.parametrize("language", LANGUAGES)
def test_none_is_published_below_a_short_answer_either(language: str) -> None:
    """Without a signature, without an empty line above the quote, or with an answer below it."""
    assert shown(language, "Done.\n{quote}") == in_each_style("Done.")
    assert shown(language, "Done.\n\n\n{quote}\n\nSee above.") == in_each_style("Done.")
    assert shown(language, "{quote}") == in_each_style("")


@pytest.mark.parametrize(
    "introduction",
    [
        f"Torsdag, November 26, 2026 16:48 CET, Desk via Help\n{DESK.partition(' ')[2]} skrev:",
        "El jue 26 de nov de 2026 a las 16:48:05 +0100, Desk via Help dijo:",
        "W Twoim liście datowanym 26 listopada 2026 (16:48:05) można przeczytać:\n",
    ],
    ids=["SOGo", "mutt", "The Bat"],
)
def test_the_introduction_of_a_quote_is_not_published(introduction: str) -> None:
    quote = "\n".join(f"> {line}" for line in WITHOUT_MARK.splitlines())

    assert published(f"{OWN}\n\n{introduction}\n{quote}", REPLY_MARK) == OWN
