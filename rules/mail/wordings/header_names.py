"""The names of the fields in the header blocks that clients write above what they quote."""

from __future__ import annotations

_FROM = (
    "from",  # en; all languages in the block of Gmail and Outlook Live
    "von|absender",  # de: Outlook, Apple Mail, GMX
    "de|expéditeur",  # fr, es, pt, gl, ca: Outlook, Apple Mail
    "da|mittente",  # it: Outlook, Thunderbird
    "van|afzender",  # nl, af: Outlook
    "från",  # sv: Outlook
    "fra|afsender",  # da, nb, nn: Outlook
    "frá|frå",  # is, fo, nn: Outlook
    "lähettäjä",  # fi: Outlook
    "od|odesílatel|odosielateľ|nadawca",  # cs, sk, pl, sl, hr, sr: Outlook, Thunderbird
    "šalje|prima od",  # hr: Apple Mail, Thunderbird
    "feladó|küldő",  # hu: Outlook
    "de la|expeditor|expeditorul",  # ro: Outlook, Apple Mail, Gmail
    "kimden|gönderen",  # tr: Outlook, Gmail
    "kimdən",  # az: Outlook
    "от|от кого|отправитель",  # ru, bg: Outlook, Apple Mail
    "від|від кого",  # uk: Outlook, Apple Mail
    "ад|ад каго",  # be: Outlook
    "од",  # sr, mk: Outlook
    "από|αποστολέας",  # el: Outlook, Thunderbird
    "saatja|kellelt",  # et: Outlook, Gmail
    "nuo|siuntėjas",  # lt: Outlook, Thunderbird
    "no|sūtītājs",  # lv: Outlook, Thunderbird
    "nork|igorlea",  # eu: Outlook, Thunderbird
    "remitente",  # es, gl: Yahoo
    "remetente",  # pt: Yahoo
    "remitent",  # ca: Thunderbird
    "dari|daripada|pengirim",  # id, ms: Outlook
    "từ|người gửi",  # vi: Outlook, Thunderbird
    "จาก|ผู้ส่ง",  # th: Outlook
    "מאת",  # he: Outlook
    "من|المرسل",  # ar: Outlook
    "از|فرستنده",  # fa: Outlook
    "से|प्रेषक|द्वारा",  # hi: Outlook
    "প্রেরক|থেকে",  # bn: Outlook
    "发件人|寄件人|发信人",  # zh-CN: Outlook, QQ
    "寄件者|寄件人|發件人",  # zh-TW, zh-HK: Outlook
    "差出人|送信者|発信元",  # ja: Outlook, Thunderbird, ReplyWithHeader
    "보낸 사람|보낸사람|발신|발신인",  # ko: Outlook, Naver, Daum
    "nga|prej",  # sq: Outlook
    "ნაგზავნი|ვისგან",  # ka: Outlook
    "кімнен",  # kk: Outlook
    "mula kay|mula sa",  # fil: Outlook
    "kutoka",  # sw: Outlook
    "منجانب",  # ur: Outlook
    "அனுப்புநர்|నుండి",  # ta, te: Outlook
    "તરફથી|ಇಂದ|അയച്ചയാൾ",  # gu, kn, ml: Outlook
)
_DATE = (
    "sent|date|date sent|sent at",  # en
    "gesendet|gesendet am|datum|versendet",  # de: Outlook, Apple Mail; cs, hr, nl, sl, sv: datum
    "envoyé|envoyé le",  # fr: Outlook
    "enviado|enviado el|fecha|enviado a las",  # es, gl: Outlook, Apple Mail
    "enviado em|enviada|enviada em|data|data de envio",  # pt: Outlook, Apple Mail
    "enviat|enviat el|enviat per",  # ca: Outlook
    "inviato|inviata|data",  # it: Outlook, Apple Mail
    "verzonden|gestuur",  # nl, af: Outlook
    "skickat|skickades",  # sv: Outlook
    "sendt|dato|sendte",  # da, nb: Outlook, Apple Mail
    "dagsetning|sent þann",  # is: Outlook
    "lähetetty|päivämäärä|päiväys|pvm",  # fi: Outlook, Apple Mail, Thunderbird
    "odesláno|odoslané|dátum|odoslaný",  # cs, sk: Outlook; hu, sk: Apple Mail
    "wysłano|wysłane|data",  # pl: Outlook, Interia
    "poslano|poslato|slano",  # hr, sl, sr: Outlook
    "elküldve|küldve|küldés dátuma|küldés ideje",  # hu: Outlook
    "trimis|trimis la|dată|data",  # ro: Outlook, Apple Mail
    "gönderildi|gönderilen|gönderme tarihi|tarih",  # tr: Outlook, Apple Mail
    "göndərilib|tarix",  # az: Outlook
    "отправлено|дата|послано",  # ru: Outlook, Apple Mail
    "изпратено|изпратено на|изпратен|дата",  # bg: Outlook, abv.bg
    "надіслано|відправлено|дата",  # uk: Outlook, Yahoo
    "адпраўлена|даслана",  # be: Outlook
    "послато|испратено|датум",  # sr, mk: Outlook
    "στάλθηκε|ημερομηνία|εστάλη|απεστάλη|αποστολή",  # el: Outlook, Thunderbird
    "saadetud|kuupäev|saatmisaeg",  # et: Outlook, Thunderbird
    "išsiųsta|data|siuntimo data|siųsta",  # lt: Outlook, Thunderbird
    "nosūtīts|datums|sūtīts|nosūtīšanas datums",  # lv: Outlook, Thunderbird
    "bidalia|data|bidalita",  # eu: Outlook, Thunderbird
    "terkirim|dikirim|tanggal|dihantar|tarikh",  # id, ms: Outlook
    "đã gửi|ngày|gửi|thời gian gửi",  # vi: Outlook, Thunderbird
    "ส่ง|ส่งเมื่อ|วันที่|ส่งแล้ว",  # th: Outlook
    "נשלח|תאריך",  # he: Outlook, Thunderbird
    "تم الإرسال|التاريخ|المرسلة|أرسلت|تاريخ الإرسال",  # ar: Outlook, ReplyWithHeader
    "ارسال شده|تاریخ",  # fa: Outlook
    "भेजा गया|दिनांक|प्रेषित|भेजा",  # hi: Outlook
    "প্রেরিত|তারিখ|পাঠানো হয়েছে",  # bn: Outlook
    "发送时间|日期|发送日期|已发送|发件时间|时间",  # zh-CN: Outlook, QQ, Sina
    "寄件日期|傳送時間|日期|已傳送|傳送日期|寄送時間",  # zh-TW: Outlook
    "送信日時|日時|日付|送信メール|送信済み|送信",  # ja: Outlook, Thunderbird, ReplyWithHeader
    "보낸 날짜|보낸날짜|날짜|보냄|발신일|일시|보낸시간",  # ko: Outlook, Naver, Daum
    "dërguar|data",  # sq: Outlook
    "გაგზავნილია|თარიღი",  # ka: Outlook
    "жіберілді|жіберілген|күні",  # kk: Outlook
    "ipinadala|petsa",  # fil: Outlook
    "ilitumwa",  # sw: Outlook
    "بھیجا گیا",  # ur: Outlook
    "அனுப்பிய தேதி|அனுப்பப்பட்டது|పంపబడింది",  # ta, te: Outlook
    "पाठविले|મોકલેલ|ಕಳುಹಿಸಲಾಗಿದೆ|അയച്ചത്",  # mr, gu, kn, ml: Outlook
)
_TO = (
    "to",  # en
    "an|empfänger",  # de: Outlook
    "à|a|pour|destinataire|destinataires",  # fr, it: Outlook, Thunderbird
    "para|destinatario|destinatários|per a|per",  # es, pt, ca: Outlook
    "aan",  # nl, af: Outlook
    "till|til|viðtakandi",  # sv, da, nb, is: Outlook
    "vastaanottaja|vastaanottajat|saaja",  # fi, et: Outlook
    "komu|pre|adresat|do|za",  # cs, sk, pl, hr, sl: Outlook, Apple Mail, Thunderbird
    "prima|primatelj",  # hr: Apple Mail, Thunderbird
    "címzett",  # hu: Outlook
    "către|destinatar|destinatarul",  # ro: Outlook, Apple Mail
    "kime|alıcı",  # tr: Outlook
    "kimə",  # az: Outlook
    "кому|до|каму|до кого|за|прима|получатель",  # ru, uk, bg, be, sr, mk: Outlook, abv.bg
    "προς|παραλήπτης",  # el: Outlook, Thunderbird
    "adressaat|kellele",  # et: Outlook, Gmail
    "kam|gavėjas|iki",  # lt, lv: Outlook, Thunderbird
    "adresāts|saņēmējs",  # lv: Thunderbird
    "nori|hartzailea",  # eu: Outlook, Thunderbird
    "kepada|untuk",  # id, ms: Outlook
    "đến|tới|người nhận",  # vi: Outlook, Thunderbird
    "ถึง",  # th: Outlook
    "אל|לכבוד",  # he: Outlook
    "إلى|الى",  # ar: Outlook
    "به|گیرنده",  # fa: Outlook
    "को|प्रति|प्राप्तकर्ता",  # hi: Outlook
    "প্রাপক|প্রতি",  # bn: Outlook
    "收件人|收信人",  # zh-CN: Outlook, QQ
    "收件者|收件人",  # zh-TW, zh-HK: Outlook
    "宛先|受信者",  # ja: Outlook, Thunderbird
    "받는 사람|받는사람|수신|수신인|수신자",  # ko: Outlook, Naver, Daum
    "për|drejtuar",  # sq: Outlook
    "ადრესატი|ვის",  # ka: Outlook
    "кімге",  # kk: Outlook
    "para kay",  # fil: Outlook
    "kwa",  # sw: Outlook
    "بنام",  # ur: Outlook
    "பெறுநர்|వీరికి",  # ta, te: Outlook
    "પ્રતિ|ಗೆ|സ്വീകർത്താവ്",  # gu, kn, ml: Outlook
)
_SUBJECT = (
    "subject",  # en
    "betreff",  # de: Outlook
    "objet|sujet|objekt",  # fr: Outlook, Thunderbird
    "asunto|assunto|assumpte",  # es, pt, ca, gl: Outlook
    "oggetto|ogg",  # it: Outlook, Libero
    "onderwerp",  # nl, af: Outlook
    "ämne|emne|efni",  # sv, da, nb, is: Outlook
    "aihe|teema",  # fi, et: Outlook
    "předmět|predmet|zadeva|naslov",  # cs, sk, hr, sr, sl: Outlook, Thunderbird
    "temat",  # pl: Outlook
    "tárgy",  # hu: Outlook
    "subiect|subiectul|subiectul mesajului",  # ro: Outlook, Apple Mail
    "konu|mövzu",  # tr, az: Outlook
    "тема|относно|тэма|предмет",  # ru, uk, bg, be, sr, mk: Outlook, abv.bg
    "θέμα",  # el: Outlook
    "tema|temats|tēma",  # lt, lv: Outlook, Thunderbird
    "gaia",  # eu: Outlook
    "subjek|perihal|subyek|judul",  # id, ms: Outlook
    "chủ đề|tiêu đề",  # vi: Outlook
    "เรื่อง|ชื่อเรื่อง|หัวเรื่อง",  # th: Outlook
    "נושא|הנדון",  # he: Outlook
    "الموضوع|موضوع",  # ar, fa: Outlook
    "विषय",  # hi: Outlook
    "বিষয়|বিষয়",  # bn: Outlook
    "主题|主旨|主題|标题",  # zh: Outlook, QQ
    "件名|題名",  # ja: Outlook, Thunderbird
    "제목",  # ko: Outlook
    "subjekti|tema",  # sq: Outlook
    "თემა|საგანი",  # ka: Outlook
    "тақырыбы|тақырып",  # kk: Outlook
    "paksa",  # fil: Outlook
    "mada",  # sw: Outlook
    "பொருள்|విషయం",  # ta, te: Outlook
    "વિષય|ವಿಷಯ|വിഷയം",  # gu, kn, ml: Outlook
)
_OTHERS = (
    "cc|bcc|copy",  # en
    "kopie|kopie (cc)|blindkopie",  # de, cs, nl: Outlook, Thunderbird
    "copie à|copie",  # fr: Thunderbird, Orange
    "cco|con copia",  # es: Outlook
    "kopia|kopi|kopio|kopiya|kópia|másolat|másolatot kap",  # sv, da, fi, tr, sk, hu: Outlook
    "dw|do wiadomości|udw",  # pl: Outlook
    "копия|копія|скрытая копия|копие",  # ru, uk, bg: Outlook, abv.bg
    "κοιν|κοιν.|κοινοποίηση",  # el: Outlook, Thunderbird
    "bilgi",  # tr: Outlook
    "עותק",  # he: Outlook
    "نسخة",  # ar: Outlook
    "抄送|副本",  # zh: Outlook
    "참조",  # ko: Outlook
    "copia|cópia|còpia",  # it, pt, ca: Outlook
    "reply-to|antwort an|répondre à|svar til|rispondi a",  # Apple Mail
    "odpověď na|odpowiedź-do|ответ-кому|svara till|yanıt adresi",  # Apple Mail
    "attachments|anlagen|pièces jointes|importance|priority|wichtigkeit",  # Outlook
)


def _names(*lists: tuple[str, ...]) -> frozenset[str]:
    return frozenset(
        name.casefold() for names in lists for each in names for name in each.split("|")
    )


FROM = _names(_FROM)
DATE = _names(_DATE)
TO = _names(_TO)
SUBJECT = _names(_SUBJECT)
OTHERS = _names(_OTHERS)
FIELDS = (FROM, DATE, TO, SUBJECT)
PLAIN_DATES = _names(
    (
        "date|datum|data|fecha|dato|dátum|dată|дата|tarih|päivämäärä|日期|日付|日時|날짜|ngày",
        "วันที่|תאריך|التاريخ|kuupäev|datums|tanggal|tarikh|ημερομηνία",
    )
)
"""Names of the date that are also words of forms, unlike `Sent`."""
AMBIGUOUS = frozenset({"no"})
"""Names of From that are also words of forms: `No: 4711`. They need an address."""
