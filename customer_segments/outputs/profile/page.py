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

from customer_segments.outputs.profile.figures import Profile
from customer_segments.outputs.templates import rendered
from customer_segments.private import write_text
from customer_segments.texts import read_text


def write_page(
    profiles: Sequence[Profile], path: Path, *, sample_rows: int, is_sample: bool
) -> None:
    """Write the page; of ``sample_rows`` at most per table, and maybe of the bundled sample."""
    facts = {
        "profiles": profiles,
        "reports": {each.contract.table: _report(each) for each in profiles},
        "made": f"{datetime.now():%Y-%m-%d %H:%M}",
        "sample_rows": sample_rows,
        "is_sample": is_sample,
        "shown": shown,
    }
    write_text(path, rendered(read_text(__package__, "page.html.j2"), facts))


def shown(found: Any) -> str:
    """Return a value as a person writes it; texts as they are, in full up to 200 characters."""
    match found:
        case bool():
            return "yes" if found else "no"
        case int():
            return f"{found:,}"
        case Decimal():
            return f"{found:,.6f}".rstrip("0").rstrip(".")
        case float():
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
