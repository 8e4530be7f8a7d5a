"""The report as a file: whole by itself, readable by everybody, safe whatever the data says."""

import itertools
import re
import stat
from dataclasses import replace
from datetime import date

import dagster as dg
import pyarrow as pa
import pytest

from customer_segments.automation.agenda import agenda
from customer_segments.automation.facts import look
from customer_segments.cleaning.rules import REASONS
from customer_segments.definitions import build_defs
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.model.names import SEGMENTS
from customer_segments.outputs.report.page import render
from customer_segments.shown import links as links_beside
from customer_segments.shown import report_path, shown_month
from customer_segments.storage import Warehouse
from customer_segments.texts import read_toml
from customer_segments_tests.installations import execute
from customer_segments_tests.outputs.conftest import MONTH
from customer_segments_tests.outputs.pages import Page, contrast

HOSTILE = "<script>alert('1')</script>\"><img src=x onerror=alert(1)>&amp;{{ 7 * 7 }}"


def test_it_needs_nothing_but_itself(reported):
    page = reported.page
    reaching = {"script", "link", "iframe", "object", "form", "img"}
    assert not reaching & {tag for tag, _ in page.tags}
    assert not [name for _, attributes in page.tags for name in attributes if name[:2] == "on"]
    assert len(page.values("role", "svg")) > 10
    text = reported.path.read_text(encoding="utf-8").replace(
        'xmlns="http://www.w3.org/2000/svg"', ""
    )
    assert not re.search(r"https?:|//[a-z]|url\([^#]|@import", text)


def test_its_links_have_targets(reported):
    page = reported.page
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    links = page.values("href")
    inside = {link[1:] for link in links if link.startswith("#")}
    assert inside >= {"summary", "first", "segments", "movement", "data", "model", "glossary"}
    assert inside <= set(ids)
    assert set(page.values("aria-labelledby")) <= set(ids)
    beside = {link for link in links if not link.startswith("#")}
    assert f"customer_segments_{MONTH:%Y-%m}.xlsx" in beside
    assert all((reported.path.parent / link).is_file() for link in beside)
    assert links_beside(reported.path, MONTH) == []  # a folder that is none


def test_everybody_can_read_it(reported):
    page = reported.page
    assert page.values("lang", "html") == ["en"]
    assert all(page.values("aria-label", "svg"))
    assert set(page.values("role", "svg")) == {"img"}
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert set(page.values("scope", "th")) == {"col", "row"}


def test_its_texts_stand_out_from_their_backgrounds(reported):
    style = reported.path.read_text(encoding="utf-8").partition("</style>")[0]
    pairs = re.findall(r"--([a-z-]+): light-dark\((#\w{6}), (#\w{6})\)", style)
    colours = {name: both for name, *both in pairs}
    texts = ("ink", "soft", "link", "bad", "good")
    backgrounds = ("paper", "tint", "alarm", "warning")
    assert not re.search(r"color: ?#|background: ?#", style.partition("@page")[0])
    for mode, (text, background) in itertools.product(
        (0, 1), itertools.product(texts, backgrounds)
    ):
        both = colours[text][mode], colours[background][mode]
        # WCAG 2.2, 1.4.3 AA.
        assert contrast(*both) >= 4.5, (text, background)


def test_what_the_data_says_is_only_text(sample_view):
    view = sample_view
    names = {old: f"{HOSTILE} {old}" for old in view.clusters["segment"]}
    named = {
        field: getattr(view, field).assign(
            **{
                column: getattr(view, field)[column].map(lambda n: names.get(n, n))
                for column in columns
            }
        )
        for field, columns in {
            "profiles": ["segment"],
            "clusters": ["segment"],
            "migration": ["from_segment", "to_segment"],
            "retention": ["segment"],
        }.items()
    }
    named["clusters"]["suggested_action"] = HOSTILE
    people = view.customers.to_pylist()
    for row in people:
        row |= {"segment": names[row["segment"]], "country": HOSTILE}
    hostile = replace(
        view,
        **named,
        customers=pa.Table.from_pylist(people, view.customers.schema),
        rows=view.rows.assign(reason=HOSTILE + view.rows["reason"]),
        sheets=view.sheets.assign(workbook=HOSTILE, sheet=HOSTILE),
        findings=view.findings.assign(said=HOSTILE, check_name=HOSTILE),
        year={},
    )
    page = Page(render(hostile, [], [], is_sample=False))
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert page.text.count(" ".join(HOSTILE.split())) > 30
    assert set(page.values("style")) == {"--hue: var(--neutral)", "--hue: var(--new)"}


def test_the_sample_is_said_to_be_invented(sample_view):
    invented = Page(render(sample_view, [], [], is_sample=True))
    real = Page(render(sample_view, [], [], is_sample=False))
    assert "These customers are invented." in invented.text.partition("In short")[0]
    assert "invented" in invented.text[:80]  # the title, which tabs and mails show
    assert "invented" not in real.text


def test_what_was_not_made_yet_is_said_with_what_to_do(sample_view):
    page = Page(render(sample_view, [], [], is_sample=False))
    assert "customer-segments evaluate" in page.text
    assert f"customer-segments report --months {MONTH:%Y-%m}" in page.text
    nothing = replace(sample_view, selection=sample_view.selection[0:0], findings=None)
    page = Page(render(nothing, [], [], is_sample=False))
    assert "The evidence for this model is not there" in page.text
    assert "No check was run yet" in page.text


def test_the_asset_says_where_it_is_and_shows_pictures_where_they_belong(reported):
    (made,) = reported.result.asset_materializations_for_node("segment_report")
    assert made.partition == str(MONTH)
    assert made.metadata["path"].path == str(reported.path)
    assert made.metadata["url"].url == f"/reports/{MONTH:%Y-%m}/{reported.path.name}"
    assert made.metadata["bytes"].value == reported.path.stat().st_size
    assert made.metadata["pictures_drawn"].value == [tag for tag, _ in reported.page.tags].count(
        "figure"
    )
    observed = [
        event.event_specific_data.asset_observation
        for event in reported.result.all_events
        if event.event_type is dg.DagsterEventType.ASSET_OBSERVATION
    ]
    partitions = {each.asset_key.path[-1]: each.partition for each in observed}
    assert partitions["segment_migration"] == str(MONTH)
    assert partitions["model_selection"] is None
    shown = "".join(each.metadata["pictures"].value for each in observed)
    for text in (shown, made.metadata["pictures"].value):
        pictures = text.count("](data:image/svg+xml;base64,")
        assert pictures == len(reported.page.values("role", "svg"))
    known = {
        key.path[-1]
        for key in build_defs(Installation.of(reported.settings)).resolve_all_asset_keys()
    }
    assert partitions.keys() <= known


def test_it_is_its_owners_alone_and_the_same_each_time(reported):
    assert stat.S_IMODE(reported.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(reported.path.parent.stat().st_mode) == 0o700
    before = reported.path.read_bytes()
    execute(reported.settings, "report", MONTH, MONTH)
    assert reported.path.read_bytes() == before


def due(settings) -> list[str]:
    """The reports that the agenda has."""
    steps = agenda(look(Installation.of(settings)))
    return [str(step) for step in steps if step.job == "report"]


def test_it_is_due_when_it_is_missing_or_of_something_else(reported, copy_of):
    settings = copy_of(reported.settings)
    path = report_path(settings.reports_path, MONTH)
    assert due(reported.settings) == []
    assert due(settings) == [f"report {MONTH:%Y-%m}"]
    path.parent.mkdir(parents=True)
    text = reported.path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    assert due(settings) == []
    path.write_bytes(b"\xff" * 3_000)
    assert due(settings) == [f"report {MONTH:%Y-%m}"]
    path.write_text(text, encoding="utf-8")
    with Warehouse(settings.warehouse_path).writing() as con:
        con.raw_sql(f"UPDATE publications SET digest = '1' WHERE month = '{MONTH}'")
    assert due(settings) == [f"report {MONTH:%Y-%m}"]


def without_labels(settings, months: str) -> None:
    with Warehouse(settings.warehouse_path).writing() as con:
        con.raw_sql(
            f"UPDATE publications SET rows = 0 WHERE table_name = 'customer_segments' AND {months}"
        )


def test_months_without_labels_have_no_report(sample_warehouse, copy_of):
    settings = copy_of(sample_warehouse)
    without_labels(settings, f"month = '{MONTH}'")
    before = date(2024, 11, 1)
    installed = Installation.of(settings)
    assert shown_month(installed, installed.warehouse.state()) == before
    execute(settings, "report", before, MONTH)
    assert report_path(settings.reports_path, before).is_file()
    assert not report_path(settings.reports_path, MONTH).exists()
    with pytest.raises(UserError, match=f"Nobody is labelled in {MONTH:%Y-%m}, so"):
        execute(settings, "report", MONTH, MONTH)


def test_every_word_is_explained():
    words = read_toml("customer_segments.outputs.report", "glossary.toml")
    assert {*REASONS, "kept"} == set(words["reasons"])
    assert set(SEGMENTS) == set(words["names"])
    checks = {
        key.name
        for each in build_defs(Installation.here()).asset_checks or []
        for key in each.check_keys
    }
    assert checks == set(words["checks"])
    for sentence in (*words["terms"].values(), *words["names"].values()):
        assert sentence.endswith(".")
        assert ". " not in sentence
