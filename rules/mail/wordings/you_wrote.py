"""How The Bat, Eudora and templates of their users introduce a quote: with a date and `you wrote`.

They name nobody, so people write these as well: they introduce a quote where it is marked. English,
German and Russian are the clients' own words; the others are the forms of the verb that such a
template has in that language.
"""

from __future__ import annotations

YOU_WROTE = (
    # be
    "{when}, *вы пісалі*",
    # bg
    "{when}, *Вие писахте*",
    # ca
    "{when}, *vau escriure*",
    # cs
    "{when}, *jste napsal(a)*",
    "{when}, *jste psal(a)*",
    # da
    "{when}, *skrev du*",
    # de
    "{when}, *schriebst du*",
    "{when}, *schrieben Sie*",
    "{when}, *haben Sie geschrieben*",
    "Am {when} *schrieben Sie*",
    # el
    "{when}, *γράψατε*",
    "{when}, *έγραψες*",
    # en
    "{when}, *you wrote*",
    # es
    "{when}, *usted escribió*",
    "{when}, *escribiste*",
    "{when}, *usted escribía*",
    # et
    "{when}, *kirjutasite*",
    "{when}, *kirjutasid*",
    # fi
    "{when}, *kirjoitit*",
    "{when}, *kirjoititte*",
    # fr
    "{when}, *vous écriviez*",
    "{when}, *vous avez écrit*",
    "{when}, *tu écrivais*",
    "{when}, *tu as écrit*",
    # hr
    "{when}, *napisali ste*",
    # hu
    "{when}, *Ön írta*",
    "{when}, *írtad*",
    "{when}, *Ön ezt írta*",
    # it
    "{when}, *Lei scriveva*",
    "{when}, *hai scritto*",
    "{when}, *ha scritto Lei*",
    "{when}, *avete scritto*",
    # ja
    "{when} に *あなたは書きました*",
    # ko
    "{when}, *당신이 쓴 글*",
    "{when}, *귀하께서 쓰신 글*",
    # lt
    "{when}, *jūs rašėte*",
    # lv
    "{when}, *jūs rakstījāt*",
    # nb, nn
    "{when}, *skrev De*",
    # nl
    "{when}, *schreef u*",
    "{when}, *schreef je*",
    "{when}, *u schreef*",
    "{when}, *je schreef*",
    # pl
    "{when}, *napisałeś*",
    "{when}, *napisałaś*",
    "{when}, *pisałeś*",
    "{when}, *napisał(a) Pan(i)*",
    "{when}, *napisali Państwo*",
    # pt
    "{when}, *você escreveu*",
    "{when}, *o senhor escreveu*",
    "{when}, *escreveste*",
    # ro
    "{when}, *ați scris*",
    "{when}, *scriai*",
    "{when}, *ai scris*",
    # ru
    "{when}, *вы писали*",
    "{when}, *вы написали*",
    "{when}, *ты писал*",
    "*Вы написали* {when}",
    "*Вы писали* {when}",
    # sk
    "{when}, *ste napísali*",
    "{when}, *ste písali*",
    # sl
    "{when}, *ste napisali*",
    # sr
    "{when}, *написали сте*",
    "{when}, *napisali ste*",
    # sv
    "{when}, *skrev du*",
    # tr
    "{when} tarihinde *yazdınız*",
    "{when}, *yazmıştınız*",
    # uk
    "{when}, *ви писали*",
    "*Ви писали* {when}",
    # zh
    "{when}，*您写道*",
    "{when}，*您寫道*",
)
