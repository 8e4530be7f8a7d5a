"""The form of a column: whatever one retailer writes is read exactly, doubted, or left unread.

Never is it read as something else: that is the property of each test here.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from customer_segments.ingestion.cells import numbers, times
from customer_segments.ingestion.cells.forms import Form, looked_at, settled
from customer_segments.ingestion.files.grid import CELLS, cells_of
from customer_segments.policy.layout import Layout
from customer_segments.tables.money import PRICE
from customer_segments_tests.ingestion.taken import take

ENGINE = ibis.duckdb.connect()
TODAY = date(2026, 7, 1)
# An example is many columns, since a query costs more than a column: not to be made smaller.
MANY = {"deadline": None, "phases": (Phase.explicit, Phase.reuse, Phase.generate)}


def read_each(
    column: str, given_columns: list[list[str]], zone: str = "UTC", **layout: Any
) -> list[tuple[list, list[str]]]:
    """Read columns, each as its own form says; with the names of the doubts that stop."""
    table = pa.table(
        {
            "n": [n for texts in given_columns for n in range(len(texts))],
            "of": [number for number, texts in enumerate(given_columns) for _ in texts],
            column: [text for texts in given_columns for text in texts],
        }
    )
    # By name, so that what reads it is compiled once.
    cells = cells_of(ibis.schema(dict.fromkeys(("n", "of"), "int64") | {column: "string"}))
    ENGINE.con.register(CELLS, table)
    texts = cells.filter(cells[column].notnull()).mutate(times=1)
    counted = ENGINE.execute(looked_at(texts, column, ("of",))).set_index("of")
    forms: dict[Form, list[int]] = {}
    stopping, values = {}, {}
    for number in range(len(given_columns)):
        counts = counted.loc[number].to_dict()
        found, doubts = settled(counts, Layout(**layout), "a.csv", {column: column}, TODAY)
        forms.setdefault(found[column], []).append(number)
        stopping[number] = [doubt.name for doubt in doubts if doubt.level == "stops"]
    for form, numbered in forms.items():
        ENGINE.con.register(CELLS, table.filter(pc.is_in(table["of"], pa.array(numbered))))
        if column == "invoice_date":
            how = form.kinds, form.is_plain, form.order, zone, None
            read = times.with_moment(cells, cells[column], *how).rename(value="moment")
        else:
            by_form = numbers.read(cells[column], form.is_plain, form.decimal, PRICE)
            read = cells.mutate(value=by_form)
        for row in ENGINE.to_pyarrow(
            read.select("of", "n", "value").order_by("of", "n")
        ).to_pylist():
            values.setdefault(row["of"], []).append(row["value"])
    return [(values[number], stopping[number]) for number in range(len(given_columns))]


def read(column: str, texts: list[str], zone: str = "UTC", **layout: Any) -> tuple[list, list[str]]:
    """Read one column."""
    (found,) = read_each(column, [texts], zone, **layout)
    return found


def many(columns: st.SearchStrategy) -> st.SearchStrategy[list]:
    return st.lists(columns, min_size=10, max_size=16)


# --- Dates ---------------------------------------------------------------------------------------

MOMENTS = st.datetimes(datetime(1996, 1, 1), datetime(2029, 12, 31, 23, 59, 59)).map(
    lambda moment: moment.replace(microsecond=0)
)
MONTHS = {
    "english": "January February March April May June July August September October November "
    "December",
    "german": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "french": "janvier février mars avril mai juin juillet août septembre octobre novembre "
    "décembre",
    "spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
    "diciembre",
    "italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre "
    "novembre dicembre",
    "portuguese": "janeiro fevereiro março abril maio junho julho agosto setembro outubro "
    "novembro dezembro",
    "dutch": "januari februari maart april mei juni juli augustus september oktober november "
    "december",
    "swedish": "januari februari mars april maj juni juli augusti september oktober november "
    "december",
    "finnish": "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta "
    "elokuuta syyskuuta lokakuuta marraskuuta joulukuuta",
    "polish": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października "
    "listopada grudnia",
    "czech": "ledna února března dubna května června července srpna září října listopadu prosince",
    "hungarian": "január február március április május június július augusztus szeptember október "
    "november december",
    "romanian": "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie "
    "noiembrie decembrie",
    "turkish": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",  # noqa: RUF001
    "indonesian": "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November "
    "Desember",
    "russian": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "greek": "Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου Ιουλίου Αυγούστου Σεπτεμβρίου "
    "Οκτωβρίου Νοεμβρίου Δεκεμβρίου",
}
SHORT = {
    "english": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "german": "Jan. Feb. Mrz. Apr. Mai Jun. Jul. Aug. Sep. Okt. Nov. Dez.",
    "french": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "spanish": "ene feb mar abr may jun jul ago sept oct nov dic",
    "italian": "gen feb mar apr mag giu lug ago set ott nov dic",
    "portuguese": "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.",
    "dutch": "jan. feb. mrt. apr. mei jun. jul. aug. sep. okt. nov. dec.",
}
CLOCKS = ["", "%H:%M", "%H:%M:%S", "%-H:%M", "%I:%M %p", "%-I:%M:%S %p", "%I:%M%p", "dotted"]


def clock(moment: datetime, form: str) -> str:
    if form == "dotted":
        return f"{moment:%-I:%M} {'a.m.' if moment.hour < 12 else 'p.m.'}"
    return moment.strftime(form)


def until(moment: datetime, form: str) -> datetime:
    """Return what is left of a time that is written in a form."""
    if not form:
        return moment.replace(hour=0, minute=0, second=0)
    return moment if "S" in form else moment.replace(second=0)


@st.composite
def columns_of_dates(draw) -> tuple[list[str], list[datetime]]:
    """A column in one form, and what it says."""
    first = draw(MOMENTS)
    within = st.datetimes(first, first + timedelta(days=1_000)).map(
        lambda moment: moment.replace(microsecond=0)
    )
    moments = draw(st.lists(within, min_size=1, max_size=12))
    pads = draw(st.booleans())
    year = draw(st.sampled_from(["%Y", "%y"]))
    day, month = ("%d", "%m") if pads else ("%-d", "%-m")
    separator = draw(st.sampled_from("-/."))
    # Nobody writes the month first and dots.
    order = draw(st.sampled_from(["dmy", "ymd"] + (["mdy"] if separator != "." else [])))
    # Of two digits the year is last: 22/6/7 in 2022 cannot be told from the 22nd.
    parts = {"d": day, "m": month, "y": "%Y" if order == "ymd" else year}
    form = separator.join(parts[part] for part in order)
    time, between = draw(st.sampled_from(CLOCKS)), draw(st.sampled_from([" ", ", ", "  ", "T"]))
    texts = [
        moment.strftime(form) + (between + clock(moment, time) if time else "")
        for moment in moments
    ]
    return texts, [until(moment, time) for moment in moments]


@example([(["01/11/2009 6:47 p.m."], [datetime(2009, 1, 11, 18, 47)])])
@given(many(columns_of_dates()))
@settings(max_examples=7, **MANY)
def test_dates_of_one_form_are_read_or_doubted(columns):
    found = read_each("invoice_date", [texts for texts, _ in columns])
    for (texts, said), (values, doubts) in zip(columns, found, strict=True):
        if doubts:
            assert {*doubts} == {"ambiguous_dates"}
        else:
            assert values == said, texts


@given(
    many(st.lists(MOMENTS, min_size=1, max_size=6)),
    st.sampled_from(["dmy", "mdy", "ymd"]),
    st.sampled_from("-/."),
    st.booleans(),
)
@settings(max_examples=3, **MANY)
def test_a_layout_that_names_the_order_leaves_no_doubt(columns, order, separator, is_short):
    parts = {"d": "%d", "m": "%m", "y": "%y" if is_short else "%Y"}
    form = separator.join(parts[part] for part in order)
    texts = [[moment.strftime(form) for moment in moments] for moments in columns]
    said = [[until(moment, "") for moment in moments] for moments in columns]
    assert read_each("invoice_date", texts, dates=order) == [(each, []) for each in said]


@pytest.mark.parametrize(
    ("form", "days", "doubts"),
    [("%y/%m/%d", 400, []), ("%y/%m/%d", 20, ["ambiguous_dates"]), ("%d/%m/%y", 400, [])],
)
def test_years_of_two_digits_are_told_by_how_many_days_stand_on_the_other_side(form, days, doubts):
    said = [datetime(2024, 3, 1) + timedelta(days=day) for day in range(days)]
    (found,) = read_each("invoice_date", [[day.strftime(form) for day in said]])
    assert found[1] == doubts
    assert doubts or found[0] == said


NAMED = [
    *("{d} {m} {y}", "{d}. {m} {y}", "{d}-{m}-{y}", "{d}/{m}/{y}", "{d} de {m} de {y}"),
    *("{m} {d}, {y}", "Xyz, {d} {m} {y}", "Wednesday, {m} {d}, {y}"),
]


@st.composite
def columns_of_named_dates(draw) -> tuple[list[str], list[datetime]]:
    """A column of dates with the names of months, and what it says."""
    moments = draw(st.lists(MOMENTS, min_size=1, max_size=6))
    of = draw(st.sampled_from([MONTHS, SHORT]))
    names = of[draw(st.sampled_from(sorted(of)))].split()
    form, time = draw(st.sampled_from(NAMED)), draw(st.sampled_from(CLOCKS))
    texts = [
        form.format(d=moment.day, m=names[moment.month - 1], y=moment.year)
        + (f" {clock(moment, time)}" if time else "")
        for moment in moments
    ]
    return texts, [until(moment, time) for moment in moments]


@example([(["30 dezembro 2006 2:23:18 PM"], [datetime(2006, 12, 30, 14, 23, 18)])])
@given(many(columns_of_named_dates()))
@settings(max_examples=5, **MANY)
def test_names_of_months_are_read_in_many_languages(columns):
    found = read_each("invoice_date", [texts for texts, _ in columns])
    for (texts, said), outcome in zip(columns, found, strict=True):
        assert outcome == (said, []), texts


ZONED = {
    "offset": lambda moment, hours: f"{moment + timedelta(hours=hours)}{hours:+03d}:00",
    "short offset": lambda moment, hours: f"{moment + timedelta(hours=hours)} {hours:+03d}00",
    "Z": lambda moment, _: f"{moment.isoformat()}Z",
    "UTC": lambda moment, _: f"{moment} UTC",
    "epoch": lambda moment, _: str(int(moment.replace(tzinfo=UTC).timestamp())),
    "milliseconds": lambda moment, _: str(int(moment.replace(tzinfo=UTC).timestamp()) * 1000),
}


@given(
    many(
        st.tuples(
            st.lists(st.datetimes(datetime(2002, 1, 1), datetime(2029, 1, 1)), min_size=1),
            st.sampled_from(sorted(ZONED)),
            st.integers(-11, 12),
        )
    ),
    st.sampled_from(["UTC", "Europe/London", "America/New_York", "Asia/Kolkata"]),
)
@settings(max_examples=3, **MANY)
def test_moments_become_what_clocks_show_in_the_shop(columns, zone):
    texts, local = [], []
    for moments, form, hours in columns:
        moments = [moment.replace(microsecond=0) for moment in moments]
        texts.append([ZONED[form](moment, hours) for moment in moments])
        there = [moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)) for moment in moments]
        local.append([moment.replace(tzinfo=None) for moment in there])
    assert read_each("invoice_date", texts, zone) == [(each, []) for each in local]


def test_every_month_has_its_name_in_every_language():
    columns = [[f"1 {name} 2024" for name in names.split()] for names in MONTHS.values()]
    said = [datetime(2024, month, 1) for month in range(1, 13)]
    assert read_each("invoice_date", columns) == [(said, [])] * len(columns)


def test_serial_numbers_may_be_of_old_macs():
    texts = ["43890", "43891.5"]
    said = [datetime(2020, 2, 29), datetime(2020, 3, 1, 12)]
    assert read("invoice_date", texts) == (said, [])
    later = [datetime(2024, 3, 1), datetime(2024, 3, 2, 12)]
    assert read("invoice_date", texts, dates="1904") == (later, [])


@pytest.mark.parametrize(("serial", "doubted"), [(43890, ["ambiguous_dates"]), (80_000, [])])
def test_serial_numbers_that_may_count_from_1904_are_said(serial, doubted, tmp_path):
    (tmp_path / "a.csv").write_text(f"Customer,Date,Price\nAnn,{serial},5\nBob,{serial + 1},6\n")
    found = take(tmp_path / "a.csv")
    assert [(each.name, each.level) for each in found.doubts] == [(n, "warns") for n in doubted]


@pytest.mark.parametrize(
    ("cells", "doubts"),
    [
        (["45297", "2024-03-12"], ["swapped_dates"]),  # 2024-01-06
        (["45297", "45307"], []),
    ],
)
def test_cells_whose_days_a_spreadsheet_took_for_months_are_doubted(cells, doubts):
    texts = [*cells, *(f"{day}/01/2024" for day in range(13, 31))]
    assert read("invoice_date", texts)[1] == doubts


@given(many(st.lists(MOMENTS, min_size=1, max_size=6)))
@settings(max_examples=2, **MANY)
def test_serial_numbers_and_compact_dates(columns):
    zero = datetime(1899, 12, 30)
    forms: list[Callable[[datetime], str]] = [
        lambda moment: f"{(moment - zero) / timedelta(days=1):.10f}",
        lambda moment: f"{moment:%Y%m%d%H%M%S}",
        lambda moment: f"{moment:%Y%m%d %H:%M:%S}",
    ]
    for form in forms:
        found = read_each("invoice_date", [[*map(form, moments)] for moments in columns])
        assert found == [(moments, []) for moments in columns]


@given(
    many(st.lists(st.tuples(MOMENTS, st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"])), min_size=1)),
)
@settings(max_examples=3, **MANY)
def test_two_orders_that_are_proven_in_one_column_are_doubted(columns):
    found = read_each(
        "invoice_date", [[moment.strftime(form) for moment, form in dated] for dated in columns]
    )
    for dated, (_, doubts) in zip(columns, found, strict=True):
        proven = {form for moment, form in dated if moment.day > 12}
        assert doubts == (["ambiguous_dates"] if len(proven) != 1 else [])


NO_DATES = [
    *("2011-02-30", "2011-13-01", "31/02/2011", "13/13/2011", "2011-12-09 24:00", "2011-12"),
    *("2011-12-09 12", "2011-12-09 13:50 PM", "2011-12-09 12:50 Europe/London", "epoch"),
    *("infinity", "2011-12-09 (BC)", "12", "9 Foo 2011", "Thursday", "1e5", "-40513", "99999"),
    *("\u09e8\u09e6\u09e7\u09e7-12-09", "0/0/2011", "00.00.0000", "0000-00-00", "20111332"),
    *("2011-12-09 10:00 CST", "24-Mar", "March 2011", "Q1 2011", "2011", "11:45", "#REF!"),
]


def test_what_is_no_date_is_left_unread():
    beside = read_each("invoice_date", [["2011-12-09", text] for text in NO_DATES])
    alone = read_each("invoice_date", [[text] for text in NO_DATES])
    for text, (both, _), (one, _) in zip(NO_DATES, beside, alone, strict=True):
        assert (both, one) == ([datetime(2011, 12, 9), None], [None]), text


# --- Numbers -------------------------------------------------------------------------------------

GROUPS = {"": "", ",": ",", ".": ".", "blank": " ", "no-break": "\u00a0", "thin": "\u202f",
          "apostrophe": "'", "typographic": "\u2019"}  # fmt: skip
CURRENCIES = ["", "£{}", "${}", "€ {}", "{} €", "{}€", "EUR {}", "{} EUR", "R$ {}", "{} kr",
              "CHF {}", "Fr. {}", "Rs. {}", "₹{}", "{} zł", "US${}"]  # fmt: skip
SIGNS = ["-{}", "{}-", "({})", "\u2212{}", "- {}"]


def grouped(whole: int, group: str, is_indian: bool) -> str:
    digits = str(whole)
    head, tail = digits[:-3], digits[-3:]
    step = 2 if is_indian else 3
    parts = [tail]
    while head:
        parts.insert(0, head[-step:])
        head = head[:-step]
    return group.join(parts)


@st.composite
def columns_of_numbers(draw) -> tuple[list[str], list[Decimal]]:
    """A column in one form, and what it says."""
    decimal = draw(st.sampled_from(".,"))
    group = GROUPS[draw(st.sampled_from([g for g in GROUPS if g != decimal]))]
    is_indian = group == "," and draw(st.booleans())
    places = draw(st.integers(0, 4))
    currency, sign = draw(st.sampled_from(CURRENCIES)), draw(st.sampled_from(SIGNS))
    cents = draw(st.lists(st.integers(-(10**8), 10**8), min_size=1, max_size=12))
    texts, said = [], []
    for number in cents:
        value = Decimal(number).scaleb(-places)
        whole, _, rest = f"{abs(value):f}".partition(".")
        text = grouped(int(whole), group, is_indian) + (decimal + rest if rest else "")
        text = currency.format(text) if currency else text
        texts.append(sign.format(text) if value < 0 else text)
        said.append(value)
    return texts, said


@given(many(columns_of_numbers()))
@settings(max_examples=8, **MANY)
def test_numbers_of_one_form_are_read_or_doubted(columns):
    found = read_each("price", [texts for texts, _ in columns])
    for (texts, said), (values, doubts) in zip(columns, found, strict=True):
        if doubts:
            assert doubts == ["ambiguous_decimals"]
        else:
            assert values == said, texts


@given(many(columns_of_numbers()), st.sampled_from(".,"))
@settings(max_examples=3, **MANY)
def test_a_layout_that_names_the_decimal_mark_leaves_no_doubt(columns, decimal):
    other = "," if decimal == "." else "."
    # With the wrong mark named, 1.234 is what it says then: that is the retailer's word.
    columns = [each for each in columns if not any(other in text for text in each[0])]
    if columns:
        found = read_each("price", [texts for texts, _ in columns], decimal=decimal)
        assert found == [(said, []) for _, said in columns]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["12,-", "13,50", "14,\u2013", "-5,--"], ["12", "13.5", "14", "-5"]),
        (["12.-", "13.50", "CHF 14.--"], ["12", "13.5", "14"]),
        (["1,234.50", "13,50", "2.50"], ["1234.5", "13.5", "2.5"]),
        (["1.5e1", "2E0", "3.25"], ["15", "2", "3.25"]),
        (["6.949999999999", ".5", "5.", "+5"], ["6.95", ".5", "5", "5"]),
        (["Rp 12.500", "Rp 1.250.000"], ["12500", "1250000"]),
        (["$(12.50)", "$2.50", "($3.50)"], ["-12.5", "2.5", "-3.5"]),
        (["\\1,250,000", "\\500", "300円"], ["1250000", "500", "300"]),
        (["1,250,000원", "300元"], ["1250000", "300"]),
        (
            [
                "\uffe5\uff11\uff0c\uff12\uff15\uff10\uff0c\uff10\uff10\uff10",
                "\uff0d\uff15\uff10\uff10",
                "\uff13\uff10\uff10円",
            ],
            ["1250000", "-500", "300"],
        ),
        (["\u0661\u0662\u066b\u0665\u0660", "\u06f3\u066b\u06f2\u06f5"], ["12.5", "3.25"]),
        (["1,199.00/Nos", "-2.50 / Stk."], ["1199", "-2.5"]),
        (["Rs. 7,950/-", "Rs.1,07,950/-", "₹ 450 /="], ["7950", "107950", "450"]),
        (["12.50 CR", "13.00 DR", "14.25cr."], ["-12.5", "13", "-14.25"]),
        (['="12.50"', "'13.25", "'14.5'"], ["12.5", "13.25", "14.5"]),
        (["\u2013£12.50", "£13.00", "-\u00a014.25"], ["-12.5", "13", "-14.25"]),
    ],
)
def test_forms_that_people_write_by_hand(texts, said):
    assert read("price", texts) == ([Decimal(text) for text in said], [])


WRITTEN = [
    *("11 de marzo de 2024 00:00 hs.", "2024.03.11.", "2024-03-11 오전 12:00:00"),
    *("2024年3月11日 午前12:00", "2024年3月11日 0時00分", "2024. 3. 11. 오전 12:00"),
    *(
        "\u0662\u0660\u0662\u0664/\u0660\u0663/\u0661\u0661",
        "Mar-11-24",
        "segunda-feira, 11 de março de 2024",
    ),
    *("Mar-11-2024", "Mo, 11.03.2024", "lun. 11/03/24", "11032024", "'2024-03-11"),
    *('="11/03/2024"', "2024-Mar-11", "2024. március 11.", "2024-03-11 kl. 00.00"),
    *("00:00:00, 11 Mar 2024", "00:00 11/03/2024", "11/03/2024 00h00", "Mar 11 2024 12:00AM"),
    *("11-MAR-24 12.00.00.000000 AM", "1710115200000000000", "11/03/2024 00:00:00.0000000"),
    *("2024-03-11T00:00:00+00:00[Europe/London]", "Mon Mar 11 00:00:00 UTC 2024"),
    *("11. märts 2024", "2024 m. kovo 11 d.", "11 март 2024 \u0433., 00:00 ч.", "11 مارس 2024"),
    *("2024. 03. 11. 0:00", "2024.03.11. 00:00", "2024年3月11日 0時0分", "'2024-03-11'"),
    *("11/03/2024 12:00a", "11/03/2024 12:00 \u03c0.\u03bc."),
    *("11 במרץ 2024", "11/03/2024 00h00min00s", "11 березня 2024 \u0440."),
]


def test_dates_that_shops_write():
    found = read_each("invoice_date", [[text, "25.12.2023"] for text in WRITTEN])
    for text, (values, _) in zip(WRITTEN, found, strict=True):
        assert values[0] == datetime(2024, 3, 11), text


def test_dates_of_six_digits_are_no_serial_numbers_where_zeros_were_lost():
    days = [datetime(2024, 1, 1) + timedelta(days=n) for n in range(300)]
    texts = [f"{day:%d%m%y}" for day in days]
    lost = [text.removeprefix("0") for text in texts]
    whole, cut = read_each("invoice_date", [texts, lost])
    assert whole == (days, [])
    assert cut[0] == [day if day.day > 9 else None for day in days]


NO_NUMBERS = [
    *("12 50", "3 4", "5'11", "20%", "free", "-", "n/a", "12.50 CRTX", "1_000", "0x10", "nan"),
    *("inf", "1,2345.50", "1.2.3", "--5", "+-6", "12:50", "\u09e7\u09e8", "=1+1", "5 or 6"),
    *("1 1/2", "ca. 5", "5?", "1e300", "12/5", ".", ",", "()", "$", "1,,000", "(5", "5)x"),
]


def test_what_is_no_number_is_left_unread():
    found = read_each("price", [["2.50", text] for text in NO_NUMBERS])
    for text, (values, _) in zip(NO_NUMBERS, found, strict=True):
        assert values == [Decimal("2.5"), None], text


@pytest.mark.parametrize(
    "texts",
    [
        [f"{thousand}.900" for thousand in range(10, 60)],
        ["12.500", "45.900"],
        ["1,234", "500"],
    ],
    ids=["pesos", "two pesos", "yen"],
)
def test_thousands_that_could_be_decimals_are_doubted(texts):
    assert read("price", texts)[1] == ["ambiguous_decimals"]


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["\\9,584", "\\1,480"], [9584, 1480]),
        ([f"{n}" for n in range(10)] + ["1.900"] * 9, [*range(10), *[1900] * 9]),
    ],
    ids=["yen", "few decimals would be whole"],
)
def test_thousands_of_money_that_has_no_decimals_are_read(texts, values, tmp_path):
    lines = [f'7,2024-05-31,"{text}"' for text in texts]
    (tmp_path / "a.csv").write_text("\n".join(["Customer,Date,Price", *lines]))
    found = take(tmp_path / "a.csv")
    assert (found.stopped, found.column("price")) == ([], values)


@pytest.mark.parametrize(
    ("texts", "values", "stopped"),
    [
        (["3 pcs", "1 pc.", "2pcs"], [3, 1, 2], []),
        (["x3", "x 1", "x2"], [3, 1, 2], []),
        (["1.5 kg", "-0.25 kg", "2 kg"], [Decimal("1.5"), Decimal("-0.25"), 2], []),
        (["1 kg", "500 g", "2 kg"], [1, 500, 2], ["several_units"]),
        (["1 kg", "500", "2 kg"], [1, 500, 2], ["several_units"]),
        (["2 of 3 pcs", "1 pc", "1 pc"], [None, 1, 1], []),
    ],
)
def test_quantities_with_a_unit(texts, values, stopped, tmp_path):
    lines = [f"7,2024-05-31,2.5,{text}" for text in texts]
    (tmp_path / "a.csv").write_text("\n".join(["Customer,Date,Price,Quantity", *lines]))
    found = take(tmp_path / "a.csv")
    assert (found.column("quantity"), found.stopped) == (values, stopped)


@pytest.mark.parametrize(
    ("text", "others", "mark", "doubted"),
    [
        ("2.000", ".", ".", ""),
        ("2,000", ",", ",", ""),
        ("2.000", ",", ".", 'decimal = ","'),
        ("2,000", ".", ",", 'decimal = "."'),
    ],
)
def test_quantities_of_thousands_alone_are_doubted(text, others, mark, doubted):
    kind = "point_or_group" if "." in text else "comma_or_group"
    counts = Counter({kind: 9, "thousandths": 9, "all": 9})
    counts[f"{kind}:example"] = text
    decided, found = numbers.decimal_mark(counts, Layout(), others, "a.csv", None)
    assert decided == mark
    assert bool(found) == bool(doubted)
    assert not found or doubted in found.advice


@pytest.mark.parametrize(
    ("zone", "times", "moved", "fits"),
    [
        ("UTC", ("2024-01-31 22:30:00 -0500", "2024-07-01 10:00:00 -0400"), 1, "America/New_York"),
        ("UTC", ("2024-01-31 00:30:00+01:00", "2024-07-01 00:10:00+02:00"), 2, "Europe/Berlin"),
        ("UTC", ("2024-01-31 22:30:00 -0500", "2024-02-01 10:00:00 +0500"), 1, None),
        ("America/Santiago", ("2024-01-31 22:30:00 -0300", "2024-07-01 23:00:00 -0400"), 0, None),
        ("UTC", ("2024-01-31 10:30:00 -0300", "2024-02-01 10:00:00 -0300"), 0, None),
        ("Europe/London", ("2024-01-31T23:30:00Z", "2024-07-31T23:30:00Z"), 0, None),
        ("Europe/Berlin", ("2024-01-31 23:30:00 UTC", "2024-07-31 23:30:00 GMT"), 0, None),
    ],
    ids=[
        "evenings",
        "nights",
        "several",
        "its own",
        "no day differs",
        "as programs do",
        "in words",
    ],
)
def test_another_zone_whose_days_are_others_is_said(zone, times, moved, fits, tmp_path):
    rows = "".join(f"{at},A,7,1,2.5,{time}\n" for at, time in enumerate(times))
    (tmp_path / "a.csv").write_text(f"Order ID,SKU,Customer ID,Quantity,Price,Date\n{rows}")
    doubts = [
        each for each in take(tmp_path / "a.csv", zone=zone).doubts if each.name == "other_zone"
    ]
    assert [each.level for each in doubts] == (["warns"] if moved else [])
    for each in doubts:
        assert f"{moved} of 2 lines" in each.said
        assert each.change == ({"source": {"time_zone": fits}} if fits else {})


@pytest.mark.parametrize(
    ("others", "month"),
    [(["31/01/2024"], 3), (["01/31/2024"], 4), (["31/01/2024", "01/31/2024"], None), ([], None)],
    ids=["day first", "month first", "both", "none"],
)
def test_dates_that_fit_both_orders_are_told_by_other_files(tmp_path, others, month):
    for number, day in enumerate(["04/03/2024", *others]):
        text = f"Order ID,SKU,Customer ID,Quantity,Price,Date\n1,A,7,1,2.5,{day}\n"
        (tmp_path / f"{number}.csv").write_text(text)
    found = take(sorted(tmp_path.iterdir()))
    assert found.stopped == ([] if month else ["ambiguous_dates"])
    assert not month or found.rows[0]["invoice_date"].month == month
    assert (
        not month or ("month" if month == 4 else "day") in found.read_as[0]["invoice_date"]["form"]
    )
