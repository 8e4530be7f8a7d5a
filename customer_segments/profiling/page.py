"""The profile as one page that needs nothing but a browser.

Belongs here: laying out figures, and a library's report on a sample of the rows. Does not:
counting (``figures``).

The report is skrub's ``TableReport``: histograms, associations and the rows themselves, in HTML
that carries its scripts and pictures. It is made by the people around scikit-learn and adds two
small packages to what is locked. ydata-profiling, the other one people know, cannot be installed
beside pandas 3 and matplotlib 3.11. What is shown comes from files of who knows whom: the page's
own policy (CSP) lets it load nothing from anywhere.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import Environment

from customer_segments.private import write_text
from customer_segments.profiling.figures import Profile

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
 font-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; form-action 'none'">
<meta name="viewport" content="width=device-width">
<title>Data profile</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1400px; padding: 1.5rem;
  color: #222; }
nav a { margin-right: 1.5rem; }
section { border-top: 3px solid #888; margin-top: 3rem; }
.scroll { overflow-x: auto; }
table.figures { border-collapse: collapse; font-size: 13px; width: 100%; }
.figures th, .figures td { border-bottom: 1px solid #ddd; padding: .3rem .6rem; text-align: left;
  vertical-align: top; }
.figures .number { text-align: right; white-space: nowrap; }
.figures code { white-space: pre-wrap; overflow-wrap: anywhere; background: #f2f2f2; }
.figures .number code { white-space: nowrap; }
.figures .frequent { min-width: 22rem; }
.small { color: #555; font-size: 12px; }
.bar { background: #7a9cc6; display: inline-block; height: .75em; }
.notice { background: #fff3cd; padding: .6rem 1rem; }
</style>
</head>
<body>
<h1>Data profile</h1>
<p>Transactions as they were read, as they were kept, and as they were rejected. Made on {{ made }}.
Figures are of <strong>all rows</strong>, counted in the database. Pictures and example rows, below
the figures of each table, are of <strong>a sample</strong> where a table has more than
{{ sample_rows|whole }} rows.</p>
{% if is_sample %}<p class="notice"><strong>These customers are invented:</strong> they are the
sample that comes with the program.</p>{% endif %}
<nav>{% for p in profiles %}<a href="#{{ p.contract.table }}">{{ p.contract.table }}</a>{% endfor %}
</nav>
<p class="small">{% for p in profiles %}{{ p.rows|whole }} rows in {{ p.contract.table }}{{
 "." if loop.last else ", " }}{% endfor %} A row that was read is either kept or rejected.</p>
{% for p in profiles %}
<section id="{{ p.contract.table }}">
<h2>{{ p.contract.table }}</h2>
<p>{{ p.rows|whole }} rows, each {{ p.contract.grain }}.</p>
<h3>All {{ p.rows|whole }} rows</h3>
{% if p.reasons %}
<h4>Why rows were rejected</h4>
{{ counts("Reason", p.reasons, p.rows) }}
{% endif %}
<h4>Columns</h4>
<div class="scroll"><table class="figures">
<tr><th>Column</th><th>Type</th><th class="number">Missing</th><th class="number">Different</th>
<th>Least</th><th class="number">25 %</th><th class="number">Median</th>
<th class="number">75 %</th><th>Greatest</th><th class="number">Mean</th>
<th class="frequent">Most frequent</th></tr>
{% for column in p.contract.columns %}{% set own = p.columns[column.name] %}
<tr><td><strong>{{ column.name }}</strong><br>
<span class="small">{{ column.description }}</span></td>
<td>{{ p.contract.schema[column.name]|type }}</td>
<td class="number">{{ own.missing|whole }}<br><span class="small">{{ own.missing|share(p.rows)
 }}</span></td>
<td class="number">{{ own.distinct|whole }}</td>
<td>{{ own.min|value }}</td>
<td class="number">{{ own.lower_quartile|value }}</td>
<td class="number">{{ own.median|value }}</td>
<td class="number">{{ own.upper_quartile|value }}</td>
<td>{{ own.max|value }}</td>
<td class="number">{{ own.mean|value }}</td>
<td>{% if own.distinct and own.distinct == p.rows %}all different{% else %}
{% for found, rows in own.top %}{{ found|value }} <span class="small">{{ rows|whole }}, {{
 rows|share(p.rows) }}</span><br>{% endfor %}{% endif %}</td></tr>
{% endfor %}
</table></div>
<h4>Rows of each month</h4>
{{ counts("Month", p.months, p.rows) }}
{% if report(p) %}
<h3>{% if p.sample|length < p.rows %}A sample: {{ p.sample|length|whole }} of {{ p.rows|whole }}
rows{% else %}Pictures and example rows: all {{ p.rows|whole }} rows{% endif %}</h3>
{{ report(p)|safe }}
{% endif %}
</section>
{% endfor %}
</body>
</html>
"""
_COUNTS = """<table class="figures" style="width: auto">
<tr><th>{{ heading }}</th><th class="number">Rows</th><th class="number">Share</th><th></th></tr>
{% for found, rows in counts %}
<tr><td>{{ found|value }}</td><td class="number">{{ rows|whole }}</td>
<td class="number">{{ rows|share(total) }}</td>
<td><span class="bar" style="width: {{ (240 * rows / most)|round|int }}px"></span></td></tr>
{% endfor %}
</table>
"""


def write_page(
    profiles: Sequence[Profile], path: Path, *, sample_rows: int, is_sample: bool
) -> None:
    """Write the page.

    Parameters
    ----------
    sample_rows
        How many rows a sample has, at most.
    is_sample
        Whether the data is the bundled sample, which the page then says.
    """
    from markupsafe import Markup

    environment = Environment(autoescape=True)
    environment.filters |= {
        "whole": lambda number: f"{number:,}",
        "share": lambda part, total: f"{part / total:.1%}" if total else "",
        "type": lambda dtype: str(dtype.copy(nullable=True)),
        "value": lambda found: (
            Markup("<code>{}</code>").format(shown(found)) if found is not None else ""
        ),
    }
    counts = environment.from_string(_COUNTS)
    reports = {each.contract.table: _report(each) for each in profiles}
    page = environment.from_string(_PAGE).render(
        profiles=profiles,
        made=f"{datetime.now():%Y-%m-%d %H:%M}",
        sample_rows=sample_rows,
        is_sample=is_sample,
        counts=lambda heading, pairs, total: Markup(
            counts.render(
                heading=heading,
                counts=pairs,
                total=total,
                most=max((rows for _, rows in pairs), default=1),
            )
        ),
        report=lambda each: reports[each.contract.table],
    )
    write_text(path, page)


def shown(found: Any) -> str:
    """Return a value as a person writes it; texts as they are, in full up to 200 characters."""
    match found:
        case bool():
            return "yes" if found else "no"
        case int():
            return f"{found:,}"
        case Decimal() | float():
            return f"{found:,.4f}".rstrip("0").rstrip(".")
        case datetime():
            return found.isoformat(" ", "seconds")
        case date():
            return found.isoformat()
        case _:
            text = str(found)
            return text if len(text) <= 200 else f"{text[:200]}…"


def _report(each: Profile) -> str:
    """Return the library's report on the sample, as part of a page."""
    if each.sample.empty:
        return ""
    import matplotlib
    from skrub import TableReport

    # skrub draws by pyplot: never on a screen, which a run has none of.
    matplotlib.use("agg")
    return TableReport(each.sample, verbose=0, open_tab="distributions").html_snippet()
