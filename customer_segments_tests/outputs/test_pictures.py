"""Pictures of any month: valid files, titles that are true, one colour per segment."""

import itertools
import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segments.model.names import SEGMENTS, in_order
from customer_segments.months import shift
from customer_segments.outputs import pictures
from customer_segments.outputs.pictures import draw_pictures, moves, palette, sizes, style
from customer_segments.outputs.pictures.picture import Picture, words_of
from customer_segments.outputs.words import counted, percent
from customer_segments.tables import CONTRACTS
from customer_segments_tests.outputs import invented as given_by
from customer_segments_tests.outputs.invented import FOUR, MONTH, invented
from customer_segments_tests.outputs.pages import contrast, mixed

SVG = "{http://www.w3.org/2000/svg}"

ALL = list(SEGMENTS)
TWELVE = [*ALL, "Champions 2"]
NAMES = (
    "sizes_and_revenue",
    "segment_shares",
    "migration_flow",
    "migration_table",
    "retention",
    "snake",
    "distributions",
    "planes",
    "number_of_segments",
    "stability",
    "space",
    "foretelling",
)
# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
# Deficiency", 2009, severity 1, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}


def drawn(view, *names: str) -> dict[str, Picture]:
    """Draw the pictures of these names only, for speed; all without any."""
    draw = [of for of in pictures.drawers() if not names or of.__name__ in names]
    return {picture.name: picture for picture in (of(view) for of in draw) if picture}


def title(name: str, view) -> str:
    return drawn(view, name)[name].title


def change_of(view) -> str:
    """The title of ``segment_shares``, without the drawing."""
    return words_of("segment_shares", sizes.changed_most(view))["title"]


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])


def colours_of(picture: Picture) -> Counter:
    """Count the colours of a picture's fills and lines, those of the palette by their variables."""
    return Counter(re.findall(r"(?:fill|stroke):(?:var\(--)?([#\w-]+)", "".join(picture.svgs)))


def lab(colours: list[str], sight: str) -> np.ndarray:
    """Return CIELAB coordinates of colours as they look to somebody."""
    channels = np.array([rgb(colour) for colour in colours]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ SIGHT[sight].T, 0, 1)
    to_xyz = [[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]]
    xyz = seen @ np.array(to_xyz).T / [0.9505, 1, 1.0888]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.column_stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])]
    )


@pytest.mark.parametrize(
    ("segments", "months", "kind"),
    [
        (FOUR, 25, "spread"),
        (FOUR, 2, "equal"),
        (FOUR, 13, "in the red"),
        (ALL[:2], 1, "spread"),
        (["Lost"], 2, "alone"),
        (TWELVE, 25, "spread"),
    ],
)
def test_any_month_gives_small_valid_pictures_with_words(segments, months, kind):
    made = draw_pictures(invented(segments, months=months, kind=kind))
    expected = [
        name
        for name in NAMES
        if months > 1 or not (name.startswith("migration") or name == "retention")
    ]
    assert [picture.name for picture in made] == expected
    for picture in made:
        for svg in picture.svgs:
            root = ElementTree.fromstring(svg)
            assert root.get("viewBox").startswith("0 0 400 ")
            assert len(svg) < 60_000
            # Text is text, and 11 CSS pixels at least on a phone that shows 360 of the 400.
            sizes_of = [float(text.get("font-size")) for text in root.iter(f"{SVG}text")]
            assert min(sizes_of) * 360 / 400 >= 11
            ids = [each.get("id") for each in root.iter() if each.get("id")]
            assert all(name.startswith(f"{picture.name}-") for name in ids)
            assert sorted(re.findall(r"url\(#(.+?)\)", svg)) == sorted(ids)
            assert "nan" not in svg
        # Each colour is one that a dark page changes.
        assert set(colours_of(picture)) <= {*palette.STYLE, "none"}, picture.name
        assert picture.explains in CONTRACTS
        assert re.fullmatch(r"[a-z_]+", picture.name)
        for text in (picture.title, picture.caption):
            assert len(text) > 15
            assert not re.search(r"nan\b|None|inf\b|  |e\+|\b1 (customers|orders|days)", text)


def test_what_cannot_be_drawn_is_left_out():
    bare = invented(
        months=3,
        migration=given_by.moves([("New", "Champions", 3)]),
        selection=given_by.selection().assign(stability=np.nan),
        backtest=given_by.backtest().head(0),
        retention=given_by.retention_of([], 0),
    )
    left_out = {"migration_flow", "migration_table", "retention", "stability", "foretelling"}
    assert set(NAMES) - set(drawn(bare)) == left_out
    none_tried = invented(months=1, selection=given_by.selection().head(0))
    assert {"number_of_segments", "stability"}.isdisjoint(drawn(none_tried))


def test_a_month_without_customers_shows_what_the_model_is_known_by():
    empty = invented(
        empty=FOUR, profiles=given_by.profiles_of(given_by.customers_of([], ""), MONTH)
    )
    assert set(drawn(empty)) == {"number_of_segments", "stability", "foretelling"}


def test_a_segment_without_customers_keeps_its_place():
    view = invented(empty=("Need Attention",))
    assert set(drawn(view)) == set(NAMES)
    tall, small = (
        int(re.search(r'height="(\d+)"', sizes.sizes_and_revenue(month).svgs[0])[1])
        for month in (view, invented([name for name in FOUR if name != "Need Attention"]))
    )
    assert tall > small


# Titles


def test_the_sizes_say_who_brings_most():
    view = invented()
    profiles = view.profiles[view.profiles["snapshot_month"] == pd.Timestamp(MONTH)]
    best = profiles.loc[profiles["revenue"].idxmax()]
    revenue_share = best["revenue"] / profiles["revenue"].sum()
    assert title("sizes_and_revenue", view) == (
        f"{best['segment']}: {best['customers'] / profiles['customers'].sum():.0%} of the "
        f"customers, {revenue_share:.0%} of the revenue"
    )
    without = title("sizes_and_revenue", invented(kind="in the red"))
    assert without == "Hibernating: 36% of the customers"  # 50 of 140


@given(
    st.lists(st.integers(0, 40), min_size=2, max_size=2),
    st.lists(st.integers(0, 40), min_size=2, max_size=2),
    st.sampled_from([1, 5, 12, 13]),
)
def test_the_change_said_is_the_one_that_happened(then, now, back):
    months = {shift(MONTH, -back): [10, *then], MONTH: [10, *now]}
    profiles = pd.DataFrame(
        [
            {"snapshot_month": pd.Timestamp(month), "segment": name, "share": count / sum(counts)}
            for month, counts in months.items()
            for name, count in zip(FOUR, counts, strict=False)
            if count
        ]
    ).assign(model_version="a")
    said = change_of(invented(profiles=profiles))
    share = {month: [count / sum(of) for count in of] for month, of in months.items()}
    changes = [after - before for before, after in zip(*share.values(), strict=True)]
    found = re.fullmatch(r"(.+) (rose|fell) from (.+) of the customers in (.+) to (.+)", said)
    if back > 12:
        assert "of the customers in March 2024" in said
        assert "since" not in said
    elif found:
        name, verb, was, since, is_now = found.groups()
        index = FOUR.index(name)
        assert abs(changes[index]) == pytest.approx(max(map(abs, changes)))
        assert verb == ("rose" if changes[index] > 0 else "fell")
        assert since == f"{shift(MONTH, -back):%B %Y}"
        assert [was, is_now] == [percent(of[index]) for of in share.values()]
        assert was != is_now
    else:
        assert "no segment's share has changed since" in said
        assert max(map(abs, changes)) < 0.01


def test_shares_under_another_model_are_not_compared():
    view = invented(months=2)
    view.profiles.loc[view.profiles["snapshot_month"] < pd.Timestamp(MONTH), "share"] /= 2
    assert "rose from" in change_of(view)
    is_now = view.profiles["snapshot_month"] == pd.Timestamp(MONTH)
    view.profiles["model_version"] = np.where(is_now, "b", "a")
    assert "rose from" not in change_of(view)


def test_moves_are_said_as_they_are():
    rows = [
        ("Champions", "Champions", 50),
        ("Champions", "Hibernating", 1),
        ("Hibernating", "Hibernating", 40),
        ("Hibernating", "Champions", 7),
        ("New", "Champions", 90),
        ("Hibernating", "Gone", 2),
    ]
    said = invented(migration=given_by.moves(rows))
    assert title("migration_table", said) == (
        "90% of last month's 100 customers stayed in their segment in March 2024, 10 did not"
    )
    assert title("migration_flow", said) == (
        "Largest move of March 2024: 7 customers from Hibernating to Champions"
    )
    stays = invented(migration=given_by.moves([rows[0], rows[4]]))
    assert title("migration_flow", stays) == "Nobody changed segment in March 2024"
    assert title("migration_table", stays).startswith("100% of last month's 50 customers stayed")
    one = invented(migration=given_by.moves(rows[:2]))
    assert title("migration_flow", one).endswith("1 customer from Champions to Hibernating")


def test_the_flow_ends_where_customers_are():
    table = moves.moved(invented())
    assert list(table.index) == ["New", *FOUR]
    assert list(table.columns) == [*FOUR, "Gone"]
    assert table.to_numpy().sum() == invented().migration["customers"].sum()


def test_retention_says_best_and_worst_after_half_a_year():
    # By construction 100 * 6 // (6 + 1 + place) of a hundred.
    assert title("retention", invented(months=20)) == (
        "Within 6 months, 85% of Champions bought again, of Hibernating 60%"
    )
    assert title("retention", invented(months=2)) == (
        "Within 1 month, 50% of Champions bought again, of Hibernating 20%"
    )


def test_a_typical_customer_is_the_median():
    customers = pd.DataFrame(
        {
            "segment": ["Champions"] * 3 + ["Lost"] * 2,
            "recency_days": [1, 2, 3, 100, 200],
            "frequency": [4, 9, 10, 1, 1],
            "monetary": [900.0, 1200.4, 90_000.0, 10.0, 12.0],
        }
    )
    said = title("distributions", invented(["Champions", "Lost"], customers=customers))
    assert said == (
        "A typical customer in Champions has 9 orders worth 1,200, one in Lost 1 order worth 11"
    )


@pytest.mark.parametrize(
    ("money", "expected"),
    [
        ([1, 2, 3, 4], "Who orders more often has brought more money (rank correlation 1.00)"),
        ([4, 3, 2, 1], "Who orders more often has brought less money (rank correlation -1.00)"),
        ([2, 1, 1, 2], "How often customers order says little about the money they bring "),
        ([5, 5, 5, 5], "4 customers by recency, frequency and money"),
    ],
)
def test_the_correlation_is_said_as_it_is(money, expected):
    customers = pd.DataFrame(
        {"segment": "Lost", "recency_days": 9, "frequency": [1, 2, 3, 4], "monetary": money}
    )
    assert title("planes", invented(["Lost"], customers=customers)).startswith(expected)


def test_segments_are_said_to_differ_where_they_do():
    customers = pd.DataFrame(
        {
            "segment": ["Champions", "Champions", "Lost", "Lost"],
            "recency_days": [10, 1000, 11, 900],
            "frequency": [50, 60, 1, 2],
            "monetary": [500.0, 50.0, 400.0, 45.0],
        }
    )
    assert title("snake", invented(["Champions", "Lost"], customers=customers)) == (
        "Segments differ most in how often they ordered: Champions most, Lost least"
    )


def test_slices_are_told_from_groups():
    slices = invented()
    assert title("number_of_segments", slices) == (
        "With 4 segments the silhouette is 0.37; a cloud without segments would get 0.30: these "
        "are slices of a continuum"
    )
    assert title("space", slices) == "The 4 segments are slices of one cloud, not islands"
    groups = invented(selection=given_by.selection(silhouette=0.55))
    assert title("number_of_segments", groups).endswith("these are groups of their own")
    assert title("space", groups) == "The 4 segments are groups of their own"
    untried = invented(TWELVE)
    assert title("number_of_segments", untried) == "The silhouette is highest with 2 segments: 0.37"
    assert title("space", untried) == f"{len(invented(TWELVE).customers)} customers in 12 segments"


def test_the_recommendation_is_the_tables():
    assert title("stability", invented()) == (
        "4 segments are the most that stay the same when the customers are drawn anew: 0.87 of 1, "
        "the least stable segment 0.86"
    )
    none = title("stability", invented(selection=given_by.selection(best=None)))
    assert none == "No number of segments passes every gate when the customers are drawn anew"


def test_what_is_foretold_is_the_mean_at_the_longest_horizon():
    assert title("foretelling", invented()) == (
        "KMeans with 4 clusters explains 28% of the differences in revenue over 6 months; the "
        "plain quintile sum 33%, gradient boosting 36%"
    )
    # With a number of segments that the evaluation did not try: the best that it did.
    assert "KMeans with 8 clusters explains 32%" in title("foretelling", invented(ALL[:2]))


@given(st.floats(0, 1))
def test_a_share_never_rounds_to_none_or_all(share):
    said = percent(share)
    assert (said == "0%") == (share == 0)
    assert (said == "100%") == (share == 1)
    if "than" not in said:
        assert abs(int(said[:-1]) / 100 - share) <= 0.00501


def test_counts_have_their_nouns():
    assert [counted(n, "order") for n in (0, 1, 1.5, 2.0, 1234)] == [
        "0 orders",
        "1 order",
        "1.5 orders",
        "2 orders",
        "1,234 orders",
    ]


# Places and axes


@given(st.lists(st.floats(-100, 100), max_size=12), st.floats(0.1, 20))
def test_labels_stand_apart_in_their_order(positions, gap):
    placed = style.spread(positions, gap)
    order = np.argsort(positions, kind="stable")
    assert (np.diff(placed[order]) >= gap - 1e-6).all()
    if (np.diff(np.sort(positions)) >= gap).all():
        assert placed == pytest.approx(positions)


@given(st.floats(0, 13), st.floats(0, 5), st.integers(3, 7))
def test_ticks_are_plain_numbers_with_room(low, span, most):
    places, labels = style.log_ticks(low, low + span, most)
    assert len(labels) <= most
    assert all(len(label) <= 9 for label in labels)
    units = {"M": 1e6, "B": 1e9, "T": 1e12}
    figures = [
        float(label.rstrip("MBT").replace(",", "")) * units.get(label[-1], 1) for label in labels
    ]
    assert figures == pytest.approx([10**place for place in places], rel=0.006)
    assert all(low - 1e-6 <= place <= low + span + 1e-6 for place in places)


# Colours


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_segments_are_apart_also_to_the_colour_blind(mode):
    hue = {name: palette.STYLE[palette.variable(name)][mode] for name in [*ALL, "New", "Gone"]}
    for sight in SIGHT:
        points = dict(zip(hue, lab(list(hue.values()), sight), strict=True))
        apart = {
            (one, other): np.linalg.norm(points[one] - points[other])
            for one, other in itertools.combinations(hue, 2)
        }
        # A distance of 2.3 is just noticeable side by side; in CIELAB, 1976.
        assert min(apart.values()) > 15, sight
        assert min(apart[pair] for pair in itertools.combinations(FOUR, 2)) > 30, sight
    greys = sorted(lab([hue[name] for name in FOUR], "normal")[:, 0])
    assert min(np.diff(greys)) > 12


def test_every_segment_has_a_colour_and_a_mark_of_its_own():
    assert len({palette.colour(name) for name in [*ALL, "New", "Gone"]}) == 13
    assert len({palette.mark(name) for name in ALL}) == len(ALL)
    for of in (palette.colour, palette.mark):
        assert of("Champions 2") == of("Champions")
    # What tells colours apart in a picture, so that a page can change them.
    assert len(palette.VARIABLES) == len(palette.STYLE)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_marks_and_text_stand_out_from_the_page(mode):
    seen = {name: both[mode] for name, both in palette.STYLE.items()}
    ink, paper = seen["ink"], seen.pop("paper")
    # WCAG 2.2, 1.4.11 and 1.4.3.
    assert min(contrast(hue, paper) for hue in seen.values()) >= 3
    assert contrast(ink, paper) >= 4.5
    # The strongest shades that have text on them: of the table of moves, and of ribbons.
    for hue, opacity in [(seen["accent"], 0.5), *((hue, 0.35) for hue in seen.values())]:
        assert contrast(ink, mixed(hue, paper, opacity)) >= 4.5, hue


def test_the_order_is_fixed():
    assert in_order(["Gone", "Lost", "Champions 2", "New", "Champions", "Lost"]) == [
        "New",
        "Champions",
        "Champions 2",
        "Lost",
        "Gone",
    ]


def test_a_segment_has_its_colour_whoever_is_beside_it():
    for beside in (["Lost"], ["Promising", "At Risk"], ALL):
        names = ("sizes_and_revenue", "segment_shares", "distributions", "snake", "planes")
        for picture in drawn(invented({"Need Attention", *beside}), *names).values():
            assert colours_of(picture)["need-attention"], (picture.name, beside)
            assert colours_of(picture)["champions"] == 0 or "Champions" in beside


def test_only_the_palette_writes_colours():
    folder = Path(pictures.__file__).parent
    written = Counter()
    for file in folder.glob("*.*"):
        text = file.read_text(encoding="utf-8")
        written[file.name] = len(
            re.findall(r"#[0-9A-Fa-f]{6}\b|\"(?:tab:|C\d|black|white|gr[ae]y)", text)
        )
    assert written.pop("palette.toml") >= len(ALL)
    assert set(written.values()) == {0}
