"""What mail clients write above a quote, in their languages: samples, with invented people."""

from __future__ import annotations

SAM = "Sam Winter <sam@desk.example>"
GMAIL = {
    "af": f"Op Vr 20 Nov 2026 om 08:01 het {SAM} geskryf:",
    "ar": f"في الجمعة، 20 نوفمبر 2026 في 8:01 ص تمت كتابة ما يلي بواسطة \u202a{SAM}\u202c\u200f:",
    "bg": f"На пт, 20.11.2026 г. в 8:01 {SAM} написа:",
    "bn": f"শুক্র, 20 নভেম্বর, 2026 তারিখে 8:01 AM টায় {SAM} লিখেছেন:",
    "ca": f"Missatge de {SAM} del dia dv., 20 de nov. 2026 a les 8:01:",
    "cs": f"pá 20. 11. 2026 v 8:01 odesílatel {SAM} napsal:",
    "da": f"Den fre. 20. nov. 2026 kl. 08.01 skrev {SAM}:",
    "de": f"Am Fr., 20. Nov. 2026 um 08:01 Uhr schrieb {SAM}:",
    "de who first": f"{SAM} schrieb am Fr., 20. Nov. 2026, 08:01:",
    "el": f"Στις Παρ 20 Νοε 2026 στις 8:01 π.μ., ο/η {SAM} έγραψε:",
    "en": f"On Fri, Nov 20, 2026 at 8:01 AM {SAM} wrote:",
    "en-GB": f"On Fri, 20 Nov 2026 at 08:01, {SAM} wrote:",
    "es": "El vie, 20 nov 2026 a las 8:01, Sam Winter (<sam@desk.example>) escribió:",
    "es-MX": f"El vie, 20 de nov de 2026, 8:01 a.m., {SAM} escribió:",
    "et": f"Kasutaja {SAM} kirjutas kuupäeval R, 20. november 2026 kell 08:01:",
    "eu": f"2026(e)ko aza. 20(a), or. (08:01), {SAM} igorleak hau idatzi zuen:",
    "fa": f"در جمعه ۲۰ نوامبر ۲۰۲۶،‏ ۸:۰۱ {SAM} نوشت:",
    "fi": "pe 20. marrask. 2026 klo 8.01 Sam Winter (sam@desk.example) kirjoitti:",
    "fil": f"Noong Biy, Nob 20, 2026 nang 8:01 AM, isinulat ni {SAM} ang:",
    "fr": f"Le ven. 20 nov. 2026 à 08:01, {SAM} a écrit :",
    "gl": f"O ven, 20 nov 2026 ás 8:01, {SAM} escribiu:",
    "gu": f"શુક્ર, 20 નવે, 2026 એ 8:01 AM વાગ્યે {SAM} એ લખ્યું:",
    "he": "\u200fבתאריך יום ו׳, 20 בנוב׳ 2026 ב-8:01 מאת \u202aSam Winter\u202c\u200f "
    "<\u202asam@desk.example\u202c\u200f>:\u200f",
    "hi": f"शुक्र, 20 नव॰ 2026 को 8:01 am बजे को {SAM} ने लिखा:",
    "hr": f"pet, 20. stu 2026. u 08:01 {SAM} napisao je:",
    "hu": f"{SAM} ezt írta (időpont: 2026. nov. 20., P, 8:01):",
    "id": f"Pada tanggal Jum, 20 Nov 2026 pukul 08.01 {SAM} menulis:",
    "is": f"Þann fös., 20. nóv. 2026 kl. 08:01 skrifaði {SAM}:",
    "it": f"Il giorno ven 20 nov 2026 alle ore 08:01 {SAM} ha scritto:",
    "ja": f"2026年11月20日(金) 8:01 {SAM}:",
    "kn": f"ಶುಕ್ರ, ನವೆಂ 20, 2026 ರಂದು 8:01 AM ಗಂಟೆಗೆ {SAM} ಅವರು ಬರೆದಿದ್ದಾರೆ:",
    "ko": f"2026년 11월 20일 (금) 오전 8:01, {SAM}님이 작성:",
    "lt": f"2026-11-20, pn, 08:01 {SAM} rašė:",
    "lv": f"piektd., 2026. g. 20. nov., plkst. 08:01 — lietotājs {SAM} rakstīja:",
    "ml": f"2026, നവം 20 വെള്ളി, 8:01 AM തീയതി {SAM} എഴുതി:",
    "mr": f"शुक्र, २० नोव्हें, २०२६ रोजी ८:०१ AM वाजता {SAM} यांनी लिहिले:",
    "ms": f"Pada Jum, 20 Nov 2026 8:01 PG {SAM} menulis:",
    "nl": f"Op vr 20 nov 2026 om 08:01 schreef {SAM}:",
    "no": f"fre. 20. nov. 2026 kl. 08:01 skrev {SAM}:",
    "pl": f"pt., 20 lis 2026 o 08:01 {SAM} napisał(a):",
    "pt-BR": f"Em sex., 20 de nov. de 2026 às 08:01, {SAM} escreveu:",
    "pt-PT": f"{SAM} escreveu (sexta, 20/11/2026 à(s) 08:01):",
    "ro": f"În vin., 20 nov. 2026 la 08:01, {SAM} a scris:",
    "ru": f"пт, 20 нояб. 2026 г. в 08:01, {SAM}:",
    "ru with verb": f"20 ноября 2026 г., 8:01 пользователь {SAM} написал:",
    "sk": f"pi 20. 11. 2026 o 8:01 {SAM} napísal(a):",
    "sl": f"V V pet., 20. nov. 2026 ob 08:01 je oseba {SAM} napisala:",
    "sr": f"пет, 20. нов 2026. у 08:01 {SAM} је написао/ла:",
    "sv": f"Den fre 20 nov. 2026 kl 08:01 skrev {SAM}:",
    "sw": f"Mnamo Ijm, 20 Nov 2026, 8:01 AM {SAM} aliandika:",
    "ta": f"வெள்., 20 நவ., 2026, முற்பகல் 8:01 அன்று, {SAM} எழுதியது:",
    "te": f"20 నవం, 2026, శుక్ర 8:01 AMకిన {SAM} ఇలా రాసారు:",
    "th": f"ในวันที่ ศ. 20 พ.ย. 2026 เวลา 08:01 {SAM} เขียนว่า:",
    "tr": f"{SAM}, 20 Kas 2026 Cum, 08:01 tarihinde şunu yazdı:",
    "uk": f"пт, 20 лист. 2026 р. о 08:01 {SAM} пише:",
    "ur": f"جمعہ، 20 نومبر، 2026 کو 8:01 AM پر {SAM} نے لکھا:",
    "vi": f"Vào 08:01 Th 6, 20 thg 11, 2026 {SAM} đã viết:",
    "zh-CN": f"{SAM} 于2026年11月20日周五 08:01写道：",
    "zh-TW": f"{SAM} 於 2026年11月20日 週五 上午8:01寫道：",
    "km": f"នៅ 20 វិច្ឆិកា 2026 8:01, {SAM} បានសរសេរ៖",
    "hy": f"20 նոյ, 2026 08:01 {SAM} գրել է։",
    "sq": f"Më pre, 20 nën 2026 08:01, {SAM} shkroi:",
    "mk": f"На пет., 20 ное. 2026 во 08:01 {SAM} напиша:",
    "be": f"пт, 20 ліс 2026 г. у 08:01 {SAM} піша:",
    "az": f"{SAM} 20 noy 2026, Cüm, 08:01 tarixində yazdı:",
    "ka": f"პარ, 20 ნოე. 2026, 08:01 {SAM} დაწერა:",
    "kk": f"жм, 20 қар. 2026 ж. 08:01 {SAM} жазды:",
    "older": f"2026-11-20 8:01 GMT+01:00 {SAM}:",
}
APPLE = {
    "ca": f"El 20 nov 2026, a les 8:01, {SAM} va escriure:",
    "cs": f"20. 11. 2026 v 8:01, {SAM}:",
    "da": f"Den 20. nov. 2026 kl. 08.01 skrev {SAM}:",
    "de": f"Am 20.11.2026 um 08:01 schrieb {SAM}:",
    "el": f"Στις 20 Νοε 2026, στις 8:01 π.μ., ο/η {SAM} έγραψε:",
    "en": f"On Nov 20, 2026, at 8:01 AM, {SAM} wrote:",
    "es": f"El 20 nov 2026, a las 8:01, {SAM} escribió:",
    "fi": f"{SAM} kirjoitti 20.11.2026 kello 8.01:",
    "fr": f"Le 20 nov. 2026 à 08:01, {SAM} a écrit :",
    "he": f"ב-20 בנוב׳ 2026, בשעה 8:01, {SAM} כתב/ה:",
    "hr": f"Dana 20.11.2026. u 08:01, {SAM} je napisao/la:",
    "hu": f"2026. nov. 20. dátummal, 8:01 időpontban {SAM} írta:",
    "id": f"Pada 20 Nov 2026, pukul 08.01, {SAM} menulis:",
    "it": f"Il giorno 20 nov 2026, alle ore 08:01, {SAM} ha scritto:",
    "ja": f"2026/11/20 8:01、{SAM}のメール:",
    "ko": f"2026. 11. 20. 오전 8:01, {SAM} 작성:",
    "nl": f"Op 20 nov 2026 om 08:01 heeft {SAM} het volgende geschreven:",
    "no": f"20. nov. 2026 kl. 08:01 skrev {SAM}:",
    "pl": f"Wiadomość napisana przez {SAM} w dniu 20 lis 2026, o godz. 08:01:",
    "pt-BR": f"Em 20 de nov. de 2026, à(s) 08:01, {SAM} escreveu:",
    "pt-PT": f"{SAM} escreveu no dia 20/11/2026 às 08:01:",
    "ro": f"Pe 20 nov. 2026, la 08:01, {SAM} a scris:",
    "ru": f"20 нояб. 2026 г., в 8:01, {SAM} написал(а):",
    "sk": f"20. 11. 2026 o 8:01, {SAM}:",
    "sv": f"20 nov. 2026 kl. 08:01 skrev {SAM}:",
    "th": f"เมื่อ 20 พ.ย. 2569 BE เวลา 08:01 {SAM} เขียนว่า:",
    "tr": f"{SAM} şunları yazdı (20 Kas 2026 08:01):",
    "uk": f"20 лист. 2026 р. о 08:01 {SAM} пише:",
    "vi": f"Vào 08:01, 20 thg 11, 2026, {SAM} đã viết:",
    "zh-CN": f"2026年11月20日 上午8:01，{SAM} 写道：",
    "zh-TW": f"{SAM} 於 2026年11月20日 上午8:01 寫道：",
}
YAHOO = {
    "pt": f"Em sexta-feira, 20 de novembro de 2026 às 08:01:45 BRT, {SAM} escreveu:",
    "nl": f"Op vrijdag 20 november 2026 om 08:01:45 MET schreef {SAM}:",
    "sv": f"Den fredag 20 november 2026 kl. 08:01:45 CET skrev {SAM}:",
    "ru": f"пятница, 20 ноября 2026 г. в 08:01:45 MSK, {SAM} написал(а):",
    "pl": f"W dniu piątek, 20 listopada 2026 08:01:45 CET {SAM} napisał(a):",
    "tr": f"20 Kasım 2026 Cuma 08:01:45 GMT+3 tarihinde {SAM} şunu yazdı:",
    "zh": f"在 2026年11月20日星期五 GMT+8 上午08:01:45， {SAM} 写道：",
    "zh-TW": f"{SAM} 於 2026年11月20日 星期五 上午08:01:45 [GMT+8] 寫道：",
    "id": f"Pada Jumat, 20 November 2026 08.01.45 WIB, {SAM} menulis:",
    "vi": f"Vào Thứ Sáu, 20 tháng 11, 2026 lúc 08:01:45 GMT+7, {SAM} đã viết:",
    "ro": f"vineri, 20 noiembrie 2026 la 08:01:45 EET, {SAM} a scris:",
    "el": f"στις Παρασκευή 20 Νοεμβρίου 2026 στις 08:01:45 π.μ. EET, ο χρήστης {SAM} έγραψε:",
    "da": f"Den fredag den 20. november 2026 08.01.45 CET skrev {SAM}:",
    "no": f"fredag 20. november 2026 kl. 08:01:45 CET skrev {SAM}:",
    "fi": f"perjantai 20. marraskuuta 2026 klo 08.01.45 UTC+2 {SAM} kirjoitti:",
    "cs": f"pátek 20. listopadu 2026 8:01:45 SEČ, {SAM} napsal(a):",
    "hu": f"2026. november 20. péntek 8:01:45 CET időpontban {SAM} ezt írta:",
    "ko": f"2026년 11월 20일 금요일 오전 08:01:45 GMT+9, {SAM}님이 작성:",
    "th": f"ในวันที่ วันศุกร์ที่ 20 พฤศจิกายน 2026 08:01:45 GMT+7, {SAM} เขียนว่า:",
    "uk": f"пʼятниця, 20 листопада 2026 р. о 08:01:45 EET {SAM} написав(-ла):",
    "ja": f"2026年11月20日金曜日 8:01:45 JST、{SAM}さんが書きました：",
    "he": f"\u200fביום שישי, 20 בנובמבר 2026 בשעה 08:01:45 GMT+2, {SAM} כתב:",
    "ar": f"في الجمعة، 20 نوفمبر 2026 08:01:45 ص غرينتش+3، كتب {SAM}:",
}
OTHERS = {
    "Outlook 2019 fi": '"Sam Winter" <sam@desk.example> kirjoitti 20.11.2026 klo 8.01:',
    "Outlook 2019 fr": "Le 20/11/2026 08:01, « Sam Winter » <sam@desk.example> a écrit :",
    "Outlook 2019 it": 'Il giorno 20/11/26, 08:01 "Sam Winter" <sam@desk.example> ha scritto:',
    "Outlook 2019 pl": "Dnia 20.11.2026, 08:01 „Sam Winter” <sam@desk.example> napisał:",
    "Outlook 2019 ru": '20.11.2026, 08:01 пользователь "Sam Winter" <sam@desk.example> написал:',
    "Outlook 2019 sk": "20. 11. 2026 8:01 používateľ Sam Winter (<sam@desk.example>) napísal:",
    "Outlook 2019 da": 'D. 20.11.2026 08.01 skrev "Sam Winter" <sam@desk.example>:',
    "Outlook 2019 nl": f"Op 20-11-2026 08:01 heeft {SAM} geschreven:",
    "Outlook 2019 tr": '"Sam Winter" <sam@desk.example>, 20.11.2026 08:01 tarihinde şunu yazdı:',
    "Proton fr": f"Le vendredi 20 novembre 2026 à 08:01, {SAM} a écrit :",
    "Proton de": f"Am Freitag, den 20. November 2026 um 08:01 schrieb {SAM}:",
    "Proton es": f"El viernes, 20 de noviembre de 2026 a las 8:01, {SAM} escribió:",
    "Spark de": f"Am 20. Nov. 2026, 08:01 +0100 schrieb {SAM}:",
    "Edison": "On Nov 20, 2026 at 8:01 AM, <Sam Winter (mailto:sam@desk.example)> wrote:",
    "Airmail": "On 20 November 2026 at 08:01:45, Sam Winter (sam@desk.example) wrote:",
    "Gmail, a phone": f"On Fri, Nov 20, 2026, 8:01 AM {SAM} wrote:",
    "Outlook, a phone": f"At 08:01 AM 11/20/2026, {SAM} wrote:",
    "Nylas": f"On Nov 20 2026, at 8:01 am, {SAM} wrote:",
    "Mailbird": 'On 20-11-2026 08:01:45, "Sam Winter" <sam@desk.example> wrote:',
    "BlueMail": 'On Nov 20, 2026, at 08:01, "Sam Winter" <sam@desk.example> wrote:',
    "Missive": f"On Fri, Nov 20 2026 at 8:01 AM, {SAM} wrote:",
    "Help Scout": "On Fri, Nov 20, 2026 at 8:01 AM CET, Support <support@desk.example> wrote:",
    "Claws Mail": "On Fri, 20 Nov 2026 08:01:45 +0100\nSam Winter <sam@desk.example> wrote:",
    "Claws Mail de": "Am Fri, 20 Nov 2026 08:01:45 +0100\nschrieb Sam Winter <sam@desk.example>:",
    "Sylpheed": "On Fri, 20 Nov 2026 08:01:45 +0100\nSam Winter <sam@desk.example> wrote:",
    "SOGo fr": f"Le Vendredi, Novembre 20, 2026 08:01 CET, {SAM} a écrit:",
    "Notes de": 'Von:\t"Sam" <sam@desk.example>\n'
    "An:\tAnn\n"
    "Datum:\t20.11.2026 08:01\n"
    "Betreff:\tRe: x",
    "Daum": "--------- 원본 메일 ---------\n"
    "보낸사람 : Sam <sam@desk.example>\n"
    "받는사람 : Ann\n"
    "날짜 : 2026년 11월 20일\n"
    "제목 : Re: x",
    "Naver": "-----Original Message-----\n"
    'From: "Sam"<sam@desk.example>\n'
    "To: Ann\n"
    "Cc:\n"
    "Sent: 2026-11-20 (금) 08:01:45 (GMT+09:00)\n"
    "Subject: Re: x",
    "Sina": "----- 原始邮件 -----\n"
    "发件人：Sam <sam@desk.example>\n"
    "收件人：ann\n"
    "主题：Re: x\n"
    "日期：2026年11月20日 08点01分",
    "Rediffmail": "From: Sam <sam@desk.example>\n"
    "Sent: Fri, 20 Nov 2026 08:01:45\n"
    "To: ann@acme.example\n"
    "Subject: Re: x",
    "Interia": 'Od: "Sam" <sam@desk.example>\n'
    "Do: ann@acme.example;\n"
    "Wysłane: 8:01 Piątek 2026-11-20\n"
    "Temat: Re: x",
    "Libero": "----Messaggio originale----\n"
    "Da: sam@desk.example\n"
    "Data: 20/11/2026 8.01\n"
    "A: ann@acme.example\n"
    "Ogg: Re: x",
    "i.ua": "--- Вихідне повідомлення ---\n"
    'Від кого: "Sam" <sam@desk.example>\n'
    "Кому: ann\n"
    "Дата: 20 листопада 2026\n"
    "",
    "Freenet": "--- Ursprüngliche Nachricht ---\n"
    "Von: Sam <sam@desk.example>\n"
    "Datum: 20.11.2026 08:01:45\n"
    "An: Ann\n"
    "Betreff: Re: x",
    "IONOS": f"{SAM} hat am 20. November 2026 um 08:01 geschrieben:",
    "Seznam, cs": "---------- Původní e-mail ----------\n"
    "Od: Sam <sam@desk.example>\n"
    "Komu: ann\n"
    "Datum: 20. 11. 2026 8:01:45\n"
    "Předmět: Re: x",
    "163": '在 2026-11-20 08:01:00，"Sam Winter" <sam@desk.example> 写道：',
    "163 en": 'At 2026-11-20 08:01:00, "Sam Winter" <sam@desk.example> wrote:',
    "eM Client": f"------ Original Message ------\nFrom {SAM}\nTo ann@acme.example",
    "Evolution": "On Fri, 2026-11-20 at 08:01 +0100, Sam Winter wrote:",
    "Evolution de": "Am Freitag, dem 20.11.2026 um 08:01 +0100 schrieb Sam Winter:",
    "FastMail": "On Fri, Nov 20, 2026, at 8:01 AM, Sam Winter wrote:",
    "Front": "On November 20, 2026 at 8:01 AM GMT+1 sam@desk.example wrote:",
    "GMX": "Gesendet: Freitag, 20. November 2026 um 08:01 Uhr\n"
    'Von: "Sam Winter" <sam@desk.example>\nAn: ann@acme.example\nBetreff: Re: Pump',
    "GroupWise": ">>> Sam Winter <sam@desk.example> 20.11.2026 08:01 >>>",
    "HEY": f"On November 20, 2026, {SAM} wrote:",
    "K-9": f"Am 20. November 2026 08:01:45 MEZ schrieb {SAM}:",
    "K-9 en": f"On 20 November 2026 08:01:45 CET, {SAM} wrote:",
    "KMail": "On Friday, November 20, 2026 8:01:45 AM CET Sam Winter wrote:",
    "KMail de": "Am Freitag, 20. November 2026, 08:01:45 CET schrieb Sam Winter:",
    "Mail.ru": f"Пятница, 20 ноября 2026, 8:01 +03:00 от {SAM}:",
    "mutt": "On Fri, Nov 20, 2026 at 08:01:45AM +0100, Sam Winter wrote:",
    "Notes": "From: Sam Winter/Desk\nTo: Ann/Acme@Acme\nDate: 20.11.2026 08:01\nSubject: Re: Pump",
    "Open-Xchange": f"{SAM} hat am 20.11.2026 08:01 CET geschrieben:",
    "Open-Xchange en": f"On 11/20/2026 8:01 AM CET {SAM} wrote:",
    "Outlook 2019 cs": 'Dne 20. 11. 2026 8:01, "Sam Winter" <sam@desk.example> napsal(a):',
    "Outlook 2019 nb": f"{SAM} skrev følgende den 20.11.2026 08:01:",
    "Outlook 2019 sv": 'Den 2026-11-20 08:01 skrev "Sam Winter" <sam@desk.example> följande:',
    "Outlook Mac": 'On 11/20/26, 8:01 AM, "Sam Winter" <sam@desk.example> wrote:',
    "Postbox": f"{SAM} wrote on 20/11/26 08:01:",
    "Proton": "------- Original Message -------\n"
    f"On Friday, November 20th, 2026 at 8:01 AM, {SAM} wrote:",
    "QQ": "------------------\xa0原始邮件\xa0------------------\n"
    '发件人: "Sam Winter" <sam@desk.example>;\n'
    "发送时间: 2026年11月20日(星期五) 上午8:01\n主题: Re: Pump",
    "QQ en": "------------------ Original ------------------\nFrom: Sam Winter <sam@desk.example>\n"
    "Date: Fri,Nov 20,2026 8:01 AM\nTo: ann <ann@acme.example>\nSubject: Re: Pump",
    "Samsung": f"-------- Original message --------\nFrom: {SAM}\n"
    "Date: 20/11/2026 08:01 (GMT+01:00)",
    "Samsung de": f"-------- Ursprüngliche Nachricht --------\nVon: {SAM}\nDatum: 20.11.26 08:01",
    "Seznam": f"---------- Původní e-mail ----------\nOd: {SAM}\nKomu: ann@acme.example\n"
    "Datum: 20. 11. 2026 8:01:45\nPředmět: Re: Pump",
    "SOGo": f"On Friday, November 20, 2026 08:01 CET, {SAM} wrote:",
    "Spark": f"On 20 Nov 2026, 08:01 +0100, {SAM}, wrote:",
    "T-Online": "-----Original-Nachricht-----\nBetreff: Re: Pump\nDatum: 2026-11-20T08:01:45+0100\n"
    'Von: "Sam Winter" <sam@desk.example>\nAn: "ann@acme.example" <ann@acme.example>',
    "ukr.net": '20 листопада 2026, 08:01:45, від "Sam Winter" <sam@desk.example>:',
    "WP": f"Dnia 20 listopada 2026 08:01 {SAM} napisał(a):",
    "Yahoo": f"On Friday, November 20, 2026 at 08:01:45 AM GMT+1, {SAM} wrote:",
    "Yahoo de": f"Am Freitag, 20. November 2026 um 08:01:45 MEZ hat {SAM} Folgendes geschrieben:",
    "Yahoo es": f"El viernes, 20 de noviembre de 2026, 08:01:45 CET, {SAM} escribió:",
    "Yahoo fr": f"Le vendredi 20 novembre 2026 à 08:01:45 UTC+1, {SAM} a écrit :",
    "Yahoo it": f"Il venerdì 20 novembre 2026 alle ore 08:01:45 CET, {SAM} ha scritto:",
    "Yandex": '20.11.2026, 08:01, "Sam Winter" <sam@desk.example>:',
    "Zimbra": f"----- Original Message -----\nFrom: {SAM}\n"
    "Sent: Friday, November 20, 2026 8:01:45 AM",
    "Zimbra de": f"Von: {SAM}\nAn: ann@acme.example\n"
    "Gesendet: Freitag, 20. November 2026 08:01:45\nBetreff: Re: Pump",
    "Zoho": f"---- On Fri, 20 Nov 2026 08:01:45 +0100 {SAM} wrote ---",
}
"""These hide what is below them, marked or not."""
MARKED = {
    "Orange": '> Message du 20/11/26 08:01\n> De : "Sam Winter" <sam@desk.example>\n'
    "> A : ann@acme.example\n> Copie à :\n> Objet : Re: Pump",
    "abv.bg": " >-------- Оригинално писмо --------\n >От: Sam Winter sam@desk.example\n"
    " >Относно: Re: Pump\n >До: ann@acme.example\n >Изпратено на: 20.11.2026 08:01",
    "Eudora": "At 08:01 20.11.2026, you wrote:",
    "Gnus": "Sam Winter <sam@desk.example> writes:",
    "Horde": "Zitat von Sam Winter <sam@desk.example>:",
    "Horde en": "Quoting Sam Winter <sam@desk.example>:",
    "Pine": "On Fri, 20 Nov 2026, Sam Winter wrote:",
    "Roundcube": "On 2026-11-20 08:01, Sam Winter wrote:",
    "SquirrelMail": "Sam Winter wrote:",
    "The Bat": "Вы писали 20 ноября 2026 г., 8:01:45:",
    "The Bat en": "Friday, November 20, 2026, 8:01:45 AM, you wrote:",
    "Thunderbird da": "Den 20.11.2026 kl. 08.01 skrev Sam Winter:",
    "Thunderbird de": "Am 20.11.26 um 08:01 schrieb Sam Winter:",
    "Thunderbird en": "On 20/11/2026 08:01, Sam Winter wrote:",
    "Thunderbird es": "El 20/11/26 a las 8:01, Sam Winter escribió:",
    "Thunderbird fi": "Sam Winter kirjoitti 20.11.2026 klo 8.01:",
    "Thunderbird fr": "Le 20/11/2026 à 08:01, Sam Winter a écrit :",
    "Thunderbird he": "נכתב על ידי Sam Winter, ב־20/11/2026 בשעה 8:01:",
    "Thunderbird hu": "2026. 11. 20. 8:01 keltezéssel, Sam Winter írta:",
    "Thunderbird it": "Il 20/11/2026 08:01, Sam Winter ha scritto:",
    "Thunderbird ja": "On 2026/11/20 8:01, Sam Winter wrote:",
    "Thunderbird ko": "2026-11-20 오전 8:01에 Sam Winter 이(가) 쓴 글:",
    "Thunderbird nl": "Op 20-11-2026 om 08:01 schreef Sam Winter:",
    "Thunderbird pl": "W dniu 20.11.2026 o 08:01, Sam Winter pisze:",
    "Thunderbird pt": "Em 20/11/2026 08:01, Sam Winter escreveu:",
    "Thunderbird ro": "La 20.11.2026 08:01, Sam Winter a scris:",
    "Thunderbird ru": "20.11.2026 8:01, Sam Winter пишет:",
    "Thunderbird sv": "Den 2026-11-20 kl. 08:01, skrev Sam Winter:",
    "Thunderbird tr": "20.11.2026 08:01 tarihinde Sam Winter yazdı:",
    "Thunderbird zh": "在 2026/11/20 8:01, Sam Winter 写道:",
}
"""These people write as well: they introduce a quote where it is marked."""
OUTLOOK = {
    "af": ("Van", "Gestuur", "Aan", "Onderwerp"),
    "ar": ("من", "تم الإرسال", "إلى", "الموضوع"),
    "bg": ("От", "Изпратено", "До", "Относно"),
    "ca": ("De", "Enviat", "Per a", "Assumpte"),
    "cs": ("Od", "Odesláno", "Komu", "Předmět"),
    "da": ("Fra", "Sendt", "Til", "Emne"),
    "de": ("Von", "Gesendet", "An", "Betreff"),
    "el": ("Από", "Στάλθηκε", "Προς", "Θέμα"),
    "en": ("From", "Sent", "To", "Subject"),
    "es": ("De", "Enviado", "Para", "Asunto"),
    "et": ("Saatja", "Saadetud", "Adressaat", "Teema"),
    "eu": ("Nork", "Bidalia", "Nori", "Gaia"),
    "fa": ("از", "ارسال شده", "به", "موضوع"),
    "fi": ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
    "fr": ("De\xa0", "Envoyé\xa0", "À\xa0", "Objet\xa0"),
    "gl": ("De", "Enviado", "Para", "Asunto"),
    "he": ("\u200fמאת", "\u200fנשלח", "\u200fאל", "\u200fנושא"),
    "hi": ("प्रेषक", "भेजा गया", "प्रति", "विषय"),
    "hr": ("Šalje", "Poslano", "Prima", "Predmet"),
    "hu": ("Feladó", "Elküldve", "Címzett", "Tárgy"),
    "id": ("Dari", "Terkirim", "Kepada", "Subjek"),
    "is": ("Frá", "Sent þann", "Til", "Efni"),
    "it": ("Da", "Inviato", "A", "Oggetto"),
    "ja": ("差出人", "送信日時", "宛先", "件名"),
    "ko": ("보낸 사람", "보낸 날짜", "받는 사람", "제목"),
    "lt": ("Nuo", "Išsiųsta", "Iki", "Tema"),
    "lv": ("No", "Nosūtīts", "Kam", "Temats"),
    "nb": ("Fra", "Sendt", "Til", "Emne"),
    "nl": ("Van", "Verzonden", "Aan", "Onderwerp"),
    "pl": ("Od", "Wysłano", "Do", "Temat"),
    "pt-BR": ("De", "Enviada em", "Para", "Assunto"),
    "pt-PT": ("De", "Enviado", "Para", "Assunto"),
    "ro": ("De la", "Trimis", "Către", "Subiect"),
    "ru": ("От", "Отправлено", "Кому", "Тема"),
    "sk": ("Od", "Odoslané", "Komu", "Predmet"),
    "sl": ("Od", "Poslano", "Za", "Zadeva"),
    "sr": ("Od", "Poslato", "Za", "Naslov"),
    "sv": ("Från", "Skickat", "Till", "Ämne"),
    "th": ("จาก", "ส่ง", "ถึง", "เรื่อง"),
    "tr": ("Kimden", "Gönderildi", "Kime", "Konu"),
    "uk": ("Від", "Надіслано", "Кому", "Тема"),
    "vi": ("Từ", "Đã gửi", "Đến", "Chủ đề"),
    "az": ("Kimdən", "Göndərilib", "Kimə", "Mövzu"),
    "be": ("Ад", "Адпраўлена", "Каму", "Тэма"),
    "bn": ("প্রেরক", "প্রেরিত", "প্রতি", "বিষয়"),
    "gu": ("તરફથી", "મોકલેલ", "પ્રતિ", "વિષય"),
    "ka": ("ვისგან", "გაგზავნილია", "ვის", "თემა"),
    "kk": ("Кімнен", "Жіберілген", "Кімге", "Тақырыбы"),
    "kn": ("ಇಂದ", "ಕಳುಹಿಸಲಾಗಿದೆ", "ಗೆ", "ವಿಷಯ"),
    "mk": ("Од", "Испратено", "До", "Предмет"),
    "ml": ("അയച്ചയാൾ", "അയച്ചത്", "സ്വീകർത്താവ്", "വിഷയം"),
    "mr": ("प्रेषक", "पाठविले", "प्रति", "विषय"),
    "ms": ("Daripada", "Dihantar", "Kepada", "Subjek"),
    "sq": ("Nga", "Dërguar", "Për", "Subjekti"),
    "sw": ("Kutoka", "Ilitumwa", "Kwa", "Mada"),
    "ta": ("அனுப்புநர்", "அனுப்பப்பட்டது", "பெறுநர்", "பொருள்"),
    "te": ("నుండి", "పంపబడింది", "వీరికి", "విషయం"),
    "ur": ("منجانب", "بھیجا گیا", "بنام", "موضوع"),
    "zh-CN": ("发件人", "发送时间", "收件人", "主题"),
    "zh-TW": ("寄件者", "寄件日期", "收件者", "主旨"),
}
STYLES = {
    "plain": "{name}: {value}",
    "bold": "*{name}:* {value}",
    "wide colon": "{name}：{value}",
    "no space": "{name}:{value}",
}


def outlook_block(language: str, style: str = "plain", *, rule: bool = False) -> str:
    """What Outlook writes above a quote."""
    values = ("Sam Winter <sam@desk.example>", "20.11.2026 08:01", "Ann Ash", "Re: Pump")
    line = STYLES[style]
    block = [
        line.format(name=name, value=value)
        for name, value in zip(OUTLOOK[language], values, strict=True)
    ]
    return "\n".join([*(["_" * 32] if rule else []), *block])
