"""In which code page a text is, told by its letters: those of one language, as far as they go.

Belongs here: the likeliest page of bytes that are of no Unicode encoding. Does not: reading files
(``code_pages``).
"""

import re
from typing import NamedTuple

from customer_segments.ingestion.columns.headings import known_words
from customer_segments.texts import read_toml

SCRIPTS = read_toml(__package__, "alphabets.toml")["scripts"]
# Several bytes a letter: what no alphabet explains may be of these. In each, 2024年3月, which may
# be all that is of them.
WIDE = {"euc_kr": ("년", "월")} | dict.fromkeys(("cp932", "big5", "gb18030"), ("年", "月"))
DATED = {
    page: b"[0-9]%b ?[0-9]{1,2}%b" % (year.encode(page), month.encode(page))
    for page, (year, month) in WIDE.items()
}
# What stands beside letters and is none.
BESIDE = "\xa0·’‘´“”„«»‚–—®™ºª"  # noqa: RUF001 - as typesetters have it
ALONE = "°§©±×½¼¾²³…•¿¡¨µ†"  # noqa: RUF001 - as typesetters have it
MONEY = "€£¥¢"
# The euro of Western, Central European, Greek and Turkish pages, beside a number.
EURO = rb"[0-9] ?\x80|\x80 ?[0-9]"
WORD = rb"[A-Za-z\x80-\xff]+"
# Pages of DOS, of old Macs and the like are a word less likely.
RARE = {"iso8859_15", "mac_roman", "cp850", "cp852", "mac_latin2", "cp857", "koi8_r", "cp866"}
LESS = 0.9
# Words are enough; in so many of them it is open which of two pages it is, or none is right.
MOST_WORDS, NEAR, FEW, LEAST_ODD = 2_000, 0.5, 0.2, 5


class Page(NamedTuple):
    """The likeliest page, what else a text may be in, and a word as both have it.

    ``other`` is empty where nothing is open, and ``is_odd`` says that no page explains the text.
    """

    name: str = "cp1252"
    other: str = ""
    example: str = ""
    other_example: str = ""
    is_odd: bool = False


def likeliest(telling: bytes) -> Page:
    """Return the code page of a text's lines that are not ASCII."""
    if wide := next((page for page, date in DATED.items() if re.search(date, telling)), None):
        return Page(wide)
    words = sorted({word for word in re.findall(WORD, telling) if not word.isascii()})[:MOST_WORDS]
    has_euro = len(re.findall(EURO, telling)) > telling.count(b"\x80") / 2
    costs: dict[str, float] = {}
    decoded: dict[str, list[str]] = {}
    for script in SCRIPTS:
        for page in script["pages"]:
            if has_euro and b"\x80".decode(page, "replace") != "€":
                continue
            decoded[page] = b"\n".join(words).decode(page, "replace").split("\n")
            odd = [_odd(word, script.get("is_latin", True)) for word in decoded[page]]
            cost = min(
                sum(1 if each - {*letters} else script.get("costs", 0) * bool(each) for each in odd)
                for letters in script["languages"]
            )
            costs[page] = min(cost + LESS * (page in RARE), costs.get(page, len(words) + 1))
    known = known_words()
    headed = {page: len(known.intersection(map(str.lower, decoded[page]))) for page in costs}
    best, *others = sorted(costs, key=lambda page: (-headed[page], costs[page]))
    is_odd = costs[best] > FEW * len(words) + LESS
    if is_odd and (wide := _wide(telling)):
        return Page(wide)
    is_odd &= len(words) >= LEAST_ODD
    for other in others:
        is_near = headed[other] == headed[best] and costs[other] < costs[best] + NEAR
        pairs = zip(decoded[best], decoded[other], strict=True)
        differing = next(((one, two) for one, two in pairs if one != two), None)
        if differing and (is_near or is_odd):
            return Page(best, other, *differing, is_odd)
    return Page(best)


def _odd(word: str, is_latin: bool) -> set[str]:
    """Return what of a word an alphabet has to explain, in small letters.

    A capital behind a small letter, a sign between letters, and a Latin letter in a word of another
    script, none explains.
    """
    if word in MONEY:
        return set()
    return {
        sign if sign == "İ" or (before.islower() and sign.isupper()) else sign.lower()
        for before, sign, after in zip(f" {word}", word, f"{word[1:]} ", strict=False)
        if not (sign.isascii() and is_latin)
        and sign not in BESIDE
        and (sign not in ALONE or (before.isalpha() and after.isalpha()))
    }


def _wide(telling: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(telling, cp_isolation=[*WIDE], threshold=0.5).best()
    return best.encoding if best else ""
