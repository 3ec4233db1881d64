"""The lines that clients write between rules of dashes, and the prefixes of the subjects."""

from __future__ import annotations

_FORWARD_PREFIXES = (
    "fw|fwd",  # en; Gmail and Thunderbird in all languages
    "wg",  # de: Outlook
    "tr",  # fr: Outlook
    "rv|reenv",  # es: Outlook
    "i",  # it: Outlook
    "enc",  # pt: Outlook
    "doorst",  # nl: Outlook
    "vs|videresend",  # da, nb: Outlook
    "vb",  # sv: Outlook
    "vl",  # fi: Outlook
    "pd",  # pl: Outlook
    "továbbítás",  # hu: Outlook
    "redir.|redir",  # ro: Outlook
    "ilt",  # tr: Outlook
    "πρθ",  # el: Outlook
    "fs",  # is: Outlook
    "trs",  # id: Outlook
    "chuyển tiếp",  # vi: Outlook
    "转发|轉寄|轉發",  # zh: Outlook
    "転送",  # ja: Outlook
    "전달",  # ko: Outlook
    "إعادة توجيه",  # ar: Outlook
    "הועבר",  # he: Outlook
    "yml",  # cy: Outlook
)
AMBIGUOUS_PREFIXES = frozenset({"vs"})
REPLIED = frozenset({"lähettäjä", "kirjoitti", "saatja", "kirjutas"})
"""What Finnish and Estonian clients write above what they quote: there `VS:` is *vastaus*, a reply;
in Danish and Norwegian it is *videresendt*, a forward. No other prefix has two meanings."""
_ORIGINAL = (
    "original message|original appointment|reply message|original mail|original",  # en
    "original email|original e-mail|message original|mail original",  # en, fr: Samsung, Yahoo
    "oorspronklike boodskap",  # af: Thunderbird
    "الرسالة الأصلية|الرسالة الأصليَّة|رسالة أصلية",  # ar: Outlook, Thunderbird
    "mensaxe orixinal",  # ast, gl: Thunderbird
    "зыходны ліст|арыгінальнае паведамленне",  # be: Thunderbird
    "оригинално писмо|оригинално съобщение|първоначално съобщение",  # bg: Thunderbird, abv.bg
    "মূল বার্তা",  # bn: Thunderbird
    "kemennadenn orinel",  # br: Thunderbird
    "missatge original",  # ca: Thunderbird
    "původní zpráva|původní e-mail|původní email|originální zpráva",  # cs: Outlook, Seznam
    "neges wreiddiol",  # cy: Thunderbird
    "oprindelig meddelelse|original meddelelse|oprindelig besked",  # da: Outlook, Thunderbird
    "ursprüngliche nachricht|originalnachricht|original-nachricht|ursprüngliche mitteilung",  # de
    "originalna powěsć",  # dsb, hsb: Thunderbird
    "αρχικό μήνυμα",  # el: Outlook, Thunderbird
    "mensaje original",  # es: Outlook
    "algne kiri|algne sõnum|algsõnum",  # et: Outlook, Thunderbird
    "jatorrizko mezua",  # eu: Thunderbird
    "پیام اصلی",  # fa: Outlook
    "alkuperäinen viesti|alkuperäinen viesti / orig.msg.",  # fi: Outlook, Thunderbird
    "message d'origine|message initial|mail d'origine",  # fr: Outlook
    "oarspronklik berjocht",  # fy: Thunderbird
    "teachtaireacht bhunaidh",  # ga: Thunderbird
    "an teachdaireachd thùsail",  # gd: Thunderbird
    "મૂળ સંદેશો",  # gu: Thunderbird
    "הודעה מקורית|ההודעה המקורית",  # he: Outlook, Thunderbird
    "मूल संदेश",  # hi: Thunderbird
    "izvorna poruka|originalna poruka",  # hr, sr: Outlook, Thunderbird
    "eredeti üzenet|eredeti levél",  # hu: Outlook, Thunderbird
    "օրիգինալ նամակը",  # hy: Thunderbird
    "pesan asli|mesej asal",  # id, ms: Outlook, Thunderbird
    "upprunalegur póstur|upprunaleg skilaboð",  # is: Thunderbird
    "messaggio originale|messaggio originario",  # it: Outlook, Libero
    "元のメッセージ|オリジナルメッセージ|元のメール",  # ja: Outlook
    "საწყისი წერილი",  # ka: Thunderbird
    "원본 메시지|원본 메일|원래 메시지|원본메일",  # ko: Outlook, Daum, Thunderbird
    "originalus laiškas|originalus pranešimas|pradinis pranešimas",  # lt: Outlook, Thunderbird
    "sākotnējais ziņojums|oriģinālais ziņojums|sākotnējā ziņa",  # lv: Outlook
    "оригинална порака|изворна порака",  # mk: Thunderbird
    "opprinnelig melding|original melding|opphavleg melding",  # nb, nn: Outlook, Thunderbird
    "oorspronkelijk bericht|origineel bericht|oorspronkelijke bericht",  # nl: Outlook, Thunderbird
    "wiadomość oryginalna|oryginalna wiadomość|treść oryginalnej wiadomości",  # pl: Outlook
    "mensagem original",  # pt: Outlook
    "messadi original",  # rm: Thunderbird
    "mesajul original|mesaj original",  # ro: Outlook, Thunderbird
    "исходное сообщение|оригинальное сообщение|первоначальное сообщение",  # ru: Outlook
    "исходное письмо|пересылаемое письмо",  # ru: Thunderbird
    "මුල් ලිපිය",  # si: Thunderbird
    "pôvodná správa|originálna správa|pôvodná správa --- original message",  # sk: Outlook
    "izvirno sporočilo",  # sl: Outlook, Thunderbird
    "mesazhi origjinal",  # sq: Thunderbird
    "оригинална порука|изворна порука",  # sr: Outlook
    "ursprungligt meddelande|originalmeddelande",  # sv: Outlook, Thunderbird
    "ข้อความต้นฉบับ|ข้อความเดิม",  # th: Outlook
    "özgün ileti|orijinal mesaj|orijinal ileti|ilk mesaj",  # tr: Outlook, Thunderbird
    "початкове повідомлення|вихідне повідомлення|оригінальне повідомлення",  # uk: Outlook, i.ua
    "thư gốc|tin nhắn gốc",  # vi: Outlook, Thunderbird
    "原始邮件|原始消息|邮件原件|原邮件|原始信息",  # zh-CN: Outlook, QQ, Thunderbird
    "原始郵件|原始訊息|原始信件",  # zh-TW: Outlook, Thunderbird
)
_FORWARDED = (
    "forwarded message|begin forwarded message|forwarded mail",  # en
    "aangestuurde boodskap",  # af: Gmail
    "رسالة ممرّرة|رسالة معاد توجيهها|بدء الرسالة المحولة|رسالة محولة",  # ar: Thunderbird, Apple Mail
    "mensaxe reunviáu|mensaxe reenviada",  # ast, gl: Thunderbird
    "накіраваны ліст",  # be: Thunderbird
    "препратено съобщение|препратено писмо",  # bg: Gmail, Thunderbird
    "missatge reenviat|inici del missatge reenviat",  # ca: Gmail, Thunderbird, Apple Mail
    "přeposlaná zpráva|začátek přeposílané zprávy",  # cs: Thunderbird, Apple Mail
    "videresendt meddelelse|videresendt besked|start på videresendt besked",  # da: Thunderbird
    "weitergeleitete nachricht",  # de: Gmail, Thunderbird
    "anfang der weitergeleiteten nachricht|anfang der weitergeleiteten e-mail",  # de: Apple Mail
    "προωθημένο μήνυμα|έναρξη προωθημένου μηνύματος",  # el: Gmail, Apple Mail
    "mensaje reenviado|inicio del mensaje reenviado|mensaje remitido",  # es: Gmail, Apple Mail
    "edastatud kiri|edasisaadetud kiri",  # et: Thunderbird, Gmail
    "birbidalitako mezua",  # eu: Thunderbird
    "välitetty viesti|välitetty viesti / fwd.msg|välitetty viesti alkaa",  # fi: Thunderbird
    "edelleenlähetetty viesti",  # fi: Yahoo
    "message transféré|message transmis|début du message transféré",  # fr: Gmail, Yahoo
    "début du message réexpédié|message réexpédié",  # fr: Apple Mail
    "trochstjoerd berjocht",  # fy: Thunderbird
    "הודעה שהועברה|תחילת ההודעה שהועברה",  # he: Gmail, Thunderbird, Apple Mail
    "अग्रेषित संदेश",  # hi: Gmail
    "proslijeđena poruka|započni proslijeđenu poruku|prosleđena poruka",  # hr, sr: Thunderbird
    "továbbított üzenet|továbbított levél kezdete|továbbított levél",  # hu: Thunderbird
    "փոխանցվող նամակը",  # hy: Thunderbird
    "pesan terusan|pesan yang diteruskan|mesej dimajukan",  # id, ms: Gmail
    "áframsendur póstur",  # is: Thunderbird
    "messaggio inoltrato|inizio messaggio inoltrato|inizio del messaggio inoltrato",  # it: Gmail
    "転送されたメッセージ|転送メッセージ|転送メール|ここから転送メール",  # ja: Apple Mail
    "전달된 메시지|전달된 메일|아래는 전달된 메시지입니다",  # ko: Gmail, Thunderbird, Apple Mail
    "persiųstas laiškas|persiunčiamas laiškas",  # lt: Thunderbird, Gmail
    "pārsūtīts ziņojums|pārsūtīta ziņa",  # lv: Gmail
    "videresendt melding|vidaresend melding",  # nb, nn: Gmail, Thunderbird
    "doorgestuurd bericht|begin doorgestuurd bericht",  # nl: Gmail, Apple Mail
    "przekazana wiadomość|treść przekazanej wiadomości|wiadomość przekazana dalej",  # pl: Gmail
    "początek przekazywanej wiadomości",  # pl: Apple Mail
    "mensagem encaminhada|início da mensagem encaminhada",  # pt-BR: Gmail, Apple Mail
    "mensagem reencaminhada|início da mensagem reencaminhada",  # pt-PT: Gmail, Apple Mail
    "messadi renvià",  # rm: Thunderbird
    "mesaj redirecționat|începe mesajul redirecționat",  # ro: Yahoo, Apple Mail
    "пересылаемое сообщение|перенаправленное сообщение|пересланное сообщение",  # ru: Gmail, Mail.ru
    "начало переадресованного сообщения|начало пересланного сообщения",  # ru: Apple Mail
    "preposlaná správa|začiatok preposlanej správy",  # sk: Yahoo, Apple Mail
    "preposlaná správa --- forwarded message",  # sk: Thunderbird
    "posredovano sporočilo",  # sl: Gmail, Thunderbird
    "mesazhi i përcjellë",  # sq: Thunderbird
    "прослеђена порука",  # sr: Gmail
    "vidarebefordrat meddelande|vidarebefordrat mejl|vidarebefordrat mail",  # sv: Gmail, Apple Mail
    "ข้อความที่ส่งต่อ",  # th: Gmail
    "iletilen ileti|iletilmiş ileti|iletilmiş mesaj|iletilen mesaj|ileti başlangıcı",  # tr
    "yönlendirilen ileti",  # tr
    "переслане повідомлення|перенаправлене повідомлення",  # uk: Thunderbird, Yahoo
    "початок листа, що пересилається",  # uk: Apple Mail
    "thư được chuyển tiếp|chuyển tiếp tin nhắn|bắt đầu thư được chuyển tiếp",  # vi: Gmail
    "转发的消息|转发的邮件|转发邮件信息|转发邮件|被转发邮件",  # zh-CN: 163, Thunderbird
    "下面是被转发的邮件|开始转发的邮件",  # zh-CN: Apple Mail
    "轉寄郵件|轉寄的郵件|轉寄訊息|開始轉寄郵件|以下是轉寄的郵件",  # zh-TW: Thunderbird, Apple Mail
)
_FORWARDED_BY = (
    "forwarded by ",  # en: Notes
    "weitergeleitet von ",  # de: Notes
    "réacheminé par |transféré par ",  # fr: Notes
    "reenviado por |encaminhado por ",  # es, pt: Notes
    "inoltrato da ",  # it: Notes
    "doorgestuurd door ",  # nl: Notes
)


def _phrases(lists: tuple[str, ...]) -> tuple[str, ...]:
    phrases = (phrase.casefold() for each in lists for phrase in each.split("|"))
    return tuple(phrase.replace("i\u0307", "i") for phrase in phrases)


FORWARD_PREFIXES = frozenset(_phrases(_FORWARD_PREFIXES))
ORIGINAL = frozenset(_phrases(_ORIGINAL))
FORWARDED = frozenset(_phrases(_FORWARDED))
FORWARDED_BY = _phrases(_FORWARDED_BY)
