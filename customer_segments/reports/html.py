"""A month's report as one HTML file that needs no other.

Belongs here: what the template is given, and how figures are written in it. Does not: the figures
(``figures``, ``moves``), sentences (``wording``, ``remarks``, ``glossary``), or the layout
(``report.html.j2``, ``report.css``).
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from customer_segments.evaluation.findings import findings as foretelling
from customer_segments.reports import figures, glossary, remarks, wording, writing
from customer_segments.reports.evidence import Evidence
from customer_segments.reports.files import Link
from customer_segments.reports.moves import moves_of
from customer_segments.reports.pictures import Picture
from customer_segments.reports.pictures.palette import colour
from customer_segments.reports.pictures.picture import in_use
from customer_segments.reports.pictures.words import counted, listed, month_name
from customer_segments.reports.showing import data_url

if TYPE_CHECKING:
    import jinja2
    import pandas as pd

# The section in which a picture stands, by the asset whose figures it shows.
SECTIONS = {
    "segment_profiles": "segments",
    "segment_migration": "movement",
    "customer_segments": "customers",
    "customer_rfm": "customers",
}
OTHER_SECTION = "model"
# Files named in the report; a live shop has one for each month.
NAMED_SHEETS = 12
UNKNOWN = "\N{EN DASH}"


def render(
    evidence: Evidence, pictures: Sequence[Picture], links: Sequence[Link], *, is_sample: bool
) -> str:
    """Return the report of a month as HTML.

    Parameters
    ----------
    pictures
        In the order of the report.
    links
        Files to speak of that lie beside it.
    is_sample
        Whether the customers are the invented ones of the bundled sample.
    """
    segments = figures.segments_of(evidence)
    background = evidence.background
    is_continuum = remarks.is_slices(evidence)
    recommended = evidence.selection[evidence.selection["is_recommended"].astype(bool)]
    context: dict[str, Any] = {
        "month": month_name(evidence.month),
        "evidence": evidence,
        "background": background,
        "is_sample": is_sample,
        "is_complete": background.is_complete(evidence.month),
        "segments": segments,
        "empty": [s for s in evidence.clusters["segment"] if s not in {s.name for s in segments}],
        "summary": wording.summary(evidence, segments),
        "total": figures.total_of(segments),
        "cautions": wording.cautions(evidence),
        "tasks": wording.tasks(evidence, segments),
        "moves": moves_of(evidence),
        "reasons": figures.reasons_of(evidence),
        "findings": _records(background.findings) if background.findings is not None else [],
        "rows_said": remarks.rows_said(evidence),
        "missing_said": remarks.missing_said(evidence),
        "accounts": remarks.accounts(evidence),
        "back_within": figures.BACK_WITHIN,
        "model": _row(evidence.clusters.iloc[0]),
        "decision": _row(evidence.decision),
        "chosen": _row(in_use(evidence)),
        "continuum": is_continuum,
        "recommended": next(iter(_records(recommended)), None),
        "comparison": _records(figures.best_first(evidence.comparison)),
        "foretold": _records(figures.longest_horizon(evidence.backtest)),
        "verdict": remarks.verdict(evidence),
        "foretelling": foretelling(evidence.backtest),
        "sheets": _records(background.sheets)[-NAMED_SHEETS:],
        "more_sheets": max(0, len(background.sheets) - NAMED_SHEETS),
        "pictures": {
            section: [p for p in pictures if SECTIONS.get(p.explains, OTHER_SECTION) == section]
            for section in (*SECTIONS.values(), OTHER_SECTION)
        },
        "links": links,
        "workbook": next((link for link in links if link.name.endswith(".xlsx")), None),
        "glossary": glossary.entries([segment.name for segment in segments]),
        "reason_words": glossary.REASONS,
        "check_words": glossary.CHECKS,
        "limits": [*([glossary.SLICES] if is_continuum else []), *glossary.LIMITS],
        "style": files(__package__).joinpath("report.css").read_text(encoding="utf-8"),
    }
    return _template().render(context)


@cache
def _template() -> "jinja2.Template":
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "money": writing.plain,
        "count": lambda number: f"{number:,}",
        "share": lambda share: UNKNOWN if share is None else writing.signed(f"{share:.1%}"),
        "figure": lambda value: UNKNOWN if value is None else f"{value:.2f}",
        "median": _median,
        "change": _change,
        "counted": counted,
        "listed": listed,
        "than": writing.than,
        "went": writing.went,
        "came": writing.came,
        "day": lambda day: f"{day:%Y-%m-%d}",
        "month": lambda day: f"{day:%B %Y}",
        "colour": colour,
        "data_url": lambda png: data_url("image/png", png),
    }
    text = files(__package__).joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text)


def _records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return a table's rows; what is null is ``None``."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _row(row: "pd.Series | None") -> dict[str, Any] | None:
    return None if row is None else _records(row.to_frame().T)[0]


def _median(value: float) -> str:
    """Return a median of whole numbers; of an even number of them it may be a half."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def _change(count: int | None) -> str:
    """Return a change with its sign, for a table."""
    if count is None:
        return UNKNOWN
    return writing.signed(f"{count:+,}") if count else "\N{PLUS-MINUS SIGN}0"
