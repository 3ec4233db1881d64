"""How clients introduce what they quote: `On …, Ann wrote:`.

`{when}` is a date, a time, or both; `{who}` a name, an address, or both. Between asterisks stands
what says that somebody wrote it. The colon at the end is left out.
"""

from __future__ import annotations

from rules.mail.wordings.you_wrote import YOU_WROTE

ATTRIBUTIONS = (
    # af
    "Op {when} het {who} *geskryf*",  # Gmail, Thunderbird
    "{who} *skryf*",  # Evolution
    # ar
    "في {when} تمت *كتابة* ما يلي *بواسطة* {who}",  # Gmail
    "في {when}، *جاء من* {who}",  # Gmail, older
    "في {when}، الساعة {when}، *كتب* {who}",  # Apple Mail
    "في {when}، الساعة {when}، *كتبت* {who}",  # Apple Mail
    "في {when}، *كتب/كتبت* {who}",  # Apple Mail
    "على {when}، *كتب* {who}",  # Thunderbird
    "بتاريخ {when}، {who} *كتب*",  # Roundcube
    # ast
    "El {when} a les {when}, {who} *escribió*",  # Thunderbird
    # az
    "{who} {when} tarixində *yazdı*",  # Gmail
    # be
    "{when} у {when} {who} *напісаў*",  # Thunderbird
    "{when} {who} *піша*",  # Gmail
    # bg
    "На {when} в {when} {who} *написа*",  # Gmail, Thunderbird
    "На {when}, {who} *написа*",  # Apple Mail, Roundcube
    "На {when}, {who} *пише*",  # Evolution
    "*Цитат от* {who}",  # mail.bg
    # bn
    "{when} তারিখে {who} *লিখেছেন*",  # Gmail
    "{when} এ {who} *লিখেছেন*",  # Thunderbird
    # br
    "D'an/ar {when} eo bet *skrivet* gant {who}",  # Thunderbird
    # ca
    "{who} *escriu* el {when}",  # Postbox, Gnus
    "*Missatge de* {who} del dia {when}",  # Gmail
    "El {when} a les {when}, {who} ha *escrit*",  # Thunderbird, Gmail
    "El {when}, a les {when}, {who} va *escriure*",  # Apple Mail
    "A {when}, en/na {who} va *escriure*",  # KMail
    # cs
    "Dne {when} v {when} {who} *napsal(a)*",  # Thunderbird, Outlook 2019, KMail
    "{when} odesílatel {who} *napsal*",  # Gmail
    "Dne {when} uživatel {who} *napsal*",  # Gmail
    "Dne {when} {who} *napsala*",  # Gmail
    "{who} *napsal(a)* dne {when}",  # Thunderbird
    "{who} *píše* v {when}",  # Evolution
    "*Citát* {who}",  # Horde
    "*Cituji* {who}",  # Horde
    # cy
    "Ar {when}, *ysgrifennodd* {who}",  # Thunderbird
    # da
    "{who} *skriver* den {when}",  # Postbox, Gnus
    "Den {when} kl. {when} *skrev* {who}",  # Gmail, Apple Mail, Thunderbird
    "D. {when} *skrev* {who}",  # Outlook 2019
    "{who} *skrev* den {when}",  # Thunderbird
    "På {when}, {who} *skrev*",  # Roundcube
    # de
    "Am {when} um {when} Uhr *schrieb* {who}",  # Gmail, Apple Mail, Thunderbird, KMail, K-9
    "Am {when}, dem {when} um {when} *schrieb* {who}",  # Evolution
    "{who} *schrieb* am {when} um {when} Uhr",  # Gmail, Thunderbird
    "{who} *schrieb*",  # Thunderbird, mutt
    "{who} *schreibt*",  # Gnus
    "{who} hat am {when} *geschrieben*",  # Open-Xchange, GMX
    "Am {when} hat {who} *geschrieben*",  # Roundcube, IONOS
    "Am {when} hat {who} *Folgendes geschrieben*",  # Yahoo, Outlook
    "*Zitat von* {who}",  # Horde
    # dsb, hsb
    "{when} jo {who} *napisał*",  # Thunderbird
    "{when} {who} *napisa*",  # Thunderbird
    # el
    "Ο/Η {who} *γράφει* στις {when}",  # Postbox, Gnus
    "Στις {when}, ο/η {who} *έγραψε*",  # Gmail, Apple Mail
    "Στις {when} ο χρήστης {who} *έγραψε*",  # Gmail
    "Την {when}, η {who} *έγραψε*",  # Evolution
    # en
    "On {when} at {when}, {who} *wrote*",  # Gmail, Apple Mail, Thunderbird, Yahoo, mutt, Proton
    "At {when} on {when}, {who} *wrote*",  # 163, Eudora
    "{who} *wrote* on {when} at {when}",  # Thunderbird, Postbox, Notes
    "{who} *wrote*",  # Thunderbird, mutt
    "{who} *writes*",  # Gnus
    "In message {who} *writes*",  # Gnus
    "On {when}, in message {who} *wrote*",  # GroupWise
    "In a message dated {when}, {who} *writes*",  # AOL
    "{who} *wrote the following* on {when}",  # Postbox
    "*Quoting* {who}",  # Horde, SquirrelMail
    # eo
    "Je {when}, {who} *skribis*",  # Thunderbird
    # es
    "{who} *escribe* el {when}",  # Postbox, Gnus
    "El {when} a las {when}, {who} *escribió*",  # Gmail, Apple Mail, Thunderbird, Yahoo
    "El {when}, *escribió* {who}",  # Evolution
    "{who} *escribió* el {when} a las {when}",  # Thunderbird
    "El {when}, {who} ha *escrito*",  # Roundcube
    "El {when}, {who} *dijo*",  # mutt
    "En {when} {who} *escribió*",  # Yahoo
    "*Citando a* {who}",  # Horde
    # et
    "{who} *kirjutab* {when}",  # Postbox, Gnus
    "Kasutaja {who} *kirjutas* kuupäeval {when}",  # Gmail
    "{when} {who} *kirjutas*",  # Thunderbird
    # eu
    "{when} igorleak {who} hau *idatzi* zuen",  # Gmail
    "{when}, {who} igorleak *idatzi zuen*",  # Thunderbird
    "{who} igorleak hau *idatzi du*",  # Gmail
    # fa
    "در {when} {who} *نوشت*",  # Gmail
    "در تاریخ {when} {who} *نوشته است*",  # Gmail
    # fi
    "{who} *kirjoittaa* {when}",  # Postbox, Gnus
    "{when} klo {when} {who} *kirjoitti*",  # Gmail, Thunderbird, Yahoo
    "{who} *kirjoitti* {when} kello {when}",  # Apple Mail, Outlook 2019
    # fil
    "Noong {when} nang {when}, *isinulat* ni {who} ang",  # Gmail
    "Noong {when}, si {who} ay *sumulat*",  # Gmail
    # fr
    "{who} *écrit* le {when}",  # Postbox, Gnus
    "Le {when} à {when}, {who} a *écrit*",  # Gmail, Apple Mail, Thunderbird, Yahoo
    "{who} a *écrit* le {when}",  # Thunderbird
    "Le {when}, {who} nous a *dit*",  # a list of email_reply_trimmer
    "*Selon* {who}",  # Horde
    "*Citation de* {who}",  # Horde
    "*Message du* {when}",  # Orange, La Poste
    # fy
    "Op {when} om {when}, *skreau* {who}",  # Thunderbird
    # ga, gd
    "Ar {when}, *scríobh* {who}",  # Thunderbird
    "*Sgrìobh* {who} na leanas {when} aig {when}",  # Thunderbird
    # gl
    "O {when} ás {when}, {who} *escribiu*",  # Gmail, Thunderbird
    # gu
    "{when} એ {who} એ *લખ્યું*",  # Gmail
    # he
    "בתאריך {when} ב- {when} *מאת* {who}",  # Gmail
    "ב- {when}, בשעה {when}, {who} *כתב/ה*",  # Apple Mail
    "ב- {when}, {who} *כתב*",  # Apple Mail, Outlook
    "ב- {when}, {who} *כתבה*",  # Apple Mail
    "*נכתב על ידי* {who}, ב־ {when} בשעה {when}",  # Thunderbird
    # hi
    "{when} को {when} बजे {who} ने *लिखा*",  # Gmail
    # hr
    "{who} *piše* {when}",  # Postbox, Gnus
    "{when} u {when} {who} *napisao je*",  # Gmail
    "{when} {who} *napisala je*",  # Gmail
    "Dana {when} u {when}, {who} *je napisao/la*",  # Apple Mail
    "{when} u {when}, {who} *je napisao/la*",  # Thunderbird
    "{who} *je napisao/napisala*",  # Gmail
    "{who} *je napisao*",  # Gmail
    "{who} *je napisala*",  # Gmail
    # hu
    "{who} *írja* {when}",  # Postbox, Gnus
    "{who} ezt *írta* (időpont: {when})",  # Gmail
    "{when} időpontban {who} ezt *írta*",  # Outlook 2019
    "{when} dátummal, {when} időpontban {who} *írta*",  # Apple Mail
    "{when} keltezéssel, {who} *írta*",  # Thunderbird
    "{who} *írta* {when} dátummal",  # Thunderbird
    # hy
    "{when} {who} *գրել է*",  # Thunderbird, Gmail
    # id, ms
    "Pada tanggal {when} pukul {when} {who} *menulis*",  # Gmail, Apple Mail
    "Pada {when}, {who} telah *menulis*",  # Gmail
    # is
    "Þann {when} kl. {when} *skrifaði* {who}",  # Gmail, Thunderbird
    "{who} *skrifaði* þann {when}",  # Thunderbird
    # it
    "{who} *scrive* il {when}",  # Postbox, Gnus
    "Il giorno {when} alle ore {when} {who} ha *scritto*",  # Gmail, Apple Mail, Outlook 2019
    "Il {when}, {who} ha *scritto*",  # Thunderbird, Yahoo, Libero
    "{who} ha *scritto* il {when} alle {when}",  # Thunderbird
    "*Scrive* {who}",  # Horde
    # ja
    "{when}、{who} *のメール*",  # Apple Mail
    "{when}、{who} *のメッセージ*",  # Apple Mail
    "{when} に {who} *さんは書きました*",  # Thunderbird
    "{when} に {who} *さんが書きました*",  # Yahoo
    "{when} に、{who} *は次のように書いています*",  # Thunderbird
    "{who} *さんは書きました*",  # Evolution
    "{who} *は書きました*",  # Evolution
    # ka
    "{when} {who} *დაწერა*",  # Gmail
    "{who} *წერს*",  # Thunderbird
    "{when} {who} *წერდა*",  # Gmail
    # kk
    "{when} {who} *жазды*",  # Thunderbird
    # km, lo, my
    "នៅលើ {when}, {who} *បានសរសេរ*",  # Thunderbird
    "{when} {who} *ຂຽນວ່າ*",  # Gmail
    "{when} {who} *ရေးခဲ့သည်*",  # Gmail
    # kn
    "{when} ರಂದು {who} ಅವರು *ಬರೆದಿದ್ದಾರೆ*",  # Gmail
    # ko
    "{when}, {who} *님이 작성*",  # Gmail
    "{when}, {who} *작성*",  # Apple Mail
    "{when}에 {who} *이(가) 쓴 글*",  # Thunderbird
    "{who} *님이 쓴 글*",  # Naver, Daum
    "{who} *님이 작성한 메일*",  # Naver
    "{who} *님께서 작성하신 메일*",  # Hanmail
    # lt
    "{who} *rašo* {when}",  # Postbox, Gnus
    "{when}, {when} {who} *rašė*",  # Gmail, Thunderbird
    "{who} *parašė* {when}",  # Gmail
    "{when} {who} *parašė*",  # Gmail
    # lv
    "{who} *raksta* {when}",  # Postbox, Gnus
    "{when}, plkst. {when} lietotājs {who} *rakstīja*",  # Gmail
    "{when} — lietotājs {who} *rakstīja*",  # Gmail
    "{when} {who} *rakstīja*",  # Thunderbird
    # mk
    "На {when}, {who} *напиша*",  # Gmail, Thunderbird
    "{who} *напишал*",  # Evolution
    # ml
    "{when} തീയതി {who} *എഴുതി*",  # Gmail
    # mn
    "{when} {who} *бичсэн*",  # Gmail
    # mr, ne
    "{when} रोजी {who} यांनी *लिहिले*",  # Gmail
    "{when} मा {who} ले *लेख्नुभयो*",  # Gmail
    # nb, nn
    "{when} kl. {when} *skrev* {who}",  # Gmail, Apple Mail
    "Den {when}, *skrev* {who}",  # Thunderbird
    "{who} *skrev følgende* den {when}",  # Outlook 2019
    "Den {when}, {who} *skreiv*",  # Thunderbird
    # nl
    "{who} *schrijft* op {when}",  # Postbox, Gnus
    "Op {when} om {when} *schreef* {who}",  # Gmail, Thunderbird
    "Op {when} om {when} heeft {who} *het volgende geschreven*",  # Apple Mail
    "Op {when} heeft {who} *geschreven*",  # Outlook 2019
    "{who} *schreef* op {when} om {when}",  # Thunderbird
    "{who} *schreef*",  # Thunderbird, mutt
    "*Citeren* {who}",  # Horde
    # pa
    "{when} ਨੂੰ {who} ਨੇ *ਲਿਖਿਆ*",  # Gmail
    # pl
    "{when} o {when} {who} *napisał(a)*",  # Gmail
    "W Twoim liście datowanym {when} *można przeczytać*",  # The Bat
    "Dnia {when} o godz. {when} {who} *napisał*",  # Apple Mail, WP, Onet
    "Dnia {when} {who} *napisała*",  # WP
    "Dnia {when} {who} *pisze*",  # KMail
    "W dniu {when} o {when}, {who} *pisze*",  # Thunderbird
    "W dniu {when}, użytkownik {who} *napisał*",  # Evolution
    "W dniu {when}, {who} *nadesłał*",  # a list of mail-parser-reply
    "*Wiadomość napisana przez* {who} w dniu {when}, o godz. {when}",  # Apple Mail
    "*Cytowanie* {who}",  # Horde
    # pt
    "{who} *escreve* em {when}",  # Postbox, Gnus
    "Em {when} às {when}, {who} *escreveu*",  # Gmail, Thunderbird, Yahoo
    "No dia {when}, às {when}, {who} *escreveu*",  # Apple Mail
    "Às {when} de {when}, {who} *escreveu*",  # Thunderbird pt-PT
    "{who} *escreveu* no dia {when} à(s) {when}",  # Apple Mail, Gmail pt-PT
    "{who} *escreveu* ({when} à(s) {when})",  # Gmail pt-PT
    "{who} *escreveu* em {when}",  # Thunderbird pt-BR
    "*Citando* {who}",  # Horde
    # rm
    "Ils {when} a las {when} ha {who} *scrit*",  # Thunderbird
    # ro
    "{who} *scrie* la {when}",  # Postbox, Gnus
    "În {when} la {when}, {who} a *scris*",  # Gmail
    "Pe {when}, la {when}, {who} a *scris*",  # Gmail, Apple Mail
    "La {when}, {who} a *scris*",  # Thunderbird
    "{who} a *scris* la {when}",  # Thunderbird
    "În data de {when}, {who} a *scris*",  # Roundcube
    # ru
    "{who} *писал(а)* {when}",  # Postbox, Claws Mail
    "{when} г. в {when} пользователь {who} *написал*",  # Gmail, Outlook 2019
    "{when} г. в {when}, {who} *написал(а)*",  # Apple Mail
    "{when} {who} *написала*",  # Gmail
    "{when}, {who} *пишет*",  # Thunderbird
    "В {when}, {who} *пишет*",  # Evolution
    "В письме от {when} пользователь {who} *написал*",  # KMail
    "{when} *от* {who}",  # Mail.ru, Rambler
    "*Цитирую* {who}",  # Horde
    # si, ta, te
    "{when} දින {who} *ලිව්වේය*",  # Gmail
    "{when} அன்று {who} *எழுதியது*",  # Gmail
    "{when}న {who} *ఇలా రాసారు*",  # Gmail
    # sk
    "{when} o {when} {who} *napísal(a)*",  # Gmail
    "Dňa {when} o {when} {who} *napísal(a)*",  # Thunderbird
    "{when} používateľ {who} *napísal*",  # Gmail, Outlook 2019
    "{who} *napísal(a)* dňa {when}",  # Thunderbird
    "{when}, {who} *píše*",  # Evolution
    # sl
    "V {when} ob {when} je {who} *napisal/a*",  # Gmail
    "V {when} ob {when} je oseba {who} *napisala*",  # Gmail
    "{who} je {when} ob {when} *napisal*",  # Thunderbird
    "{who} je *napisal(a)*",  # Thunderbird
    # sq
    "Më {when}, {who} *shkroi*",  # Thunderbird, Gmail
    # sr
    "{who} *пише* {when}",  # Postbox, Gnus
    "{when} у {when} {who} *је написао/ла*",  # Gmail
    "{when} у {when} {who} *је написао*",  # Gmail
    "{when} {who} *је написала*",  # Gmail
    "Dana {when}, {who} *je napisao(la)*",  # Thunderbird
    # sv
    "{who} *skriver* den {when}",  # Postbox, Gnus
    "Den {when} kl {when} *skrev* {who}",  # Gmail, Apple Mail, Thunderbird
    "Den {when} *skrev* {who} *följande*",  # Outlook 2019
    "{who} *skrev* den {when} kl. {when}",  # Thunderbird
    "{who} *skrev*",  # Thunderbird, mutt
    # sw
    "Mnamo {when}, {who} *aliandika*",  # Gmail
    "{when} {who} *ameandika*",  # Gmail
    # th
    "เมื่อ {when} เวลา {when} {who} *เขียนว่า*",  # Gmail, Apple Mail
    "ในวันที่ {when} เวลา {when} {who} *เขียนว่า*",  # Yahoo
    "เมื่อวันที่ {when} {who} *เขียน*",  # Thunderbird
    # tr
    "{who} {when} tarihinde *yazıyor*",  # Postbox, Gnus
    "{who}, {when} tarihinde şunu *yazdı*",  # Gmail, Outlook 2019
    "{who} şunları *yazdı* ({when})",  # Apple Mail
    "{when} tarihinde {who} *yazdı*",  # Thunderbird
    "{when} tarihinde {who} şöyle *yazdı*",  # Evolution
    # uk
    "{who} *писав(-ла)* {when}",  # Postbox, Claws Mail
    "{when} р. о {when} {who} *пише*",  # Gmail, Apple Mail
    "{when} {who} *написав*",  # Roundcube
    "{when} {who} *написав(-ла)*",  # Roundcube
    "{when} користувач {who} *написав*",  # Gmail, older
    "{when}, *від* {who}",  # ukr.net
    # ur
    "{when} کو {who} نے *لکھا*",  # Gmail
    # uz
    "{when} {who} *yozdi*",  # Gmail
    # vi
    "Vào {when} vào lúc {when} {who} đã *viết*",  # Gmail, Apple Mail, Yahoo
    "Vào {when}, {who} *viết*",  # Thunderbird
    # zh
    "{who} 于{when}*写道*",  # Gmail
    "在 {when}，{who} *写道*",  # Apple Mail, 163, Thunderbird
    "{who} *写于*{when}",  # Thunderbird
    "{who} 在 {when} *写道*",  # Yahoo
    "{who} 於 {when}*寫道*",  # Gmail, Apple Mail
    "在 {when}，{who} *寫道*",  # Thunderbird
    "{when} {who} *来信*",  # Foxmail
    *YOU_WROTE,
)
VERBLESS = (
    # be, kk, ru: "пт, 20 нояб. 2026 г. в 15:19, Ann <ann@…>:" Gmail
    # cs, sk: "20. 11. 2026 v 8:01, Ann <ann@…>:" Apple Mail
    # ja: "2026年11月20日(金) 9:00 Ann <ann@…>:" Gmail
    # any: "2026-11-20 8:01 GMT+01:00 Ann <ann@…>:" Gmail, older
    # ru: "20.11.2026, 08:01, "Ann" <ann@…>:" Yandex
    "{when}, {who}",
)
"""These have no verb, only a date and a name with its address."""
