"""The dashboard, as Streamlit runs it: the pages, the month, and what holds for any of them.

Belongs here: choosing, and states in which there is nothing to show. Does not: the pages.
"""

from dataclasses import replace
from functools import partial

import streamlit as st

from customer_segments.dashboard import (
    campaign,
    customers,
    month,
    moves,
    segments,
    trust,
    what_if,
    your_file,
)
from customer_segments.dashboard.asking import choice
from customer_segments.dashboard.reading import Seen, look
from customer_segments.dashboard.showing import text
from customer_segments.errors import UserError
from customer_segments.installation import Installation
from customer_segments.outputs.words import day_name, month_name

PAGES = {
    "This month": month.page,
    "Segments": segments.page,
    "Moves": moves.page,
    "Customers": customers.page,
    "Campaign": campaign.page,
    "What if": what_if.page,
    "Your file": your_file.page,
    "Trust": trust.page,
}


def main() -> None:
    """Show the page that is asked for, of the month that is asked for."""
    st.set_page_config("Customer segments", "\N{BAR CHART}", layout="wide")
    try:
        installed = Installation.here()
        seen = look(installed)
    except UserError as error:
        st.title("Customer segments")
        st.error(f"{error.problem} {error.remedy}")
        return
    if seen is None:
        _nothing(installed)
        return
    seen = _chosen(seen)
    pages = [
        st.Page(partial(_shown, page, seen), title=title, url_path=title.lower().replace(" ", "-"))
        for title, page in PAGES.items()
    ]
    st.navigation(pages).run()


def _chosen(seen: Seen) -> Seen:
    """Ask for the month, outside the pages: it stays from page to page."""
    names = {f"{month:%Y-%m}": month for month in reversed(seen.months)}
    shown = [*names.values()].index(seen.month)
    chosen = choice(st.sidebar, "Month", list(names), shown, "month")
    return replace(seen, month=names[chosen])


def _nothing(installed: Installation) -> None:
    st.title("Nobody is labelled yet")
    st.write(
        f"There is no copy to read at `{installed.copy.path}`. Label the customers of the files in "
        f"`{installed.input}` first, and load this page again:"
    )
    st.code("customer-segments run", language="sh")


def _shown(page, seen: Seen) -> None:
    """Show a page below what has to be said of its month, or why neither can be read."""
    try:
        _caveats(seen)
        page(seen)
    except UserError as error:
        st.error(f"{error.problem} {error.remedy}")


def _caveats(seen: Seen) -> None:
    view = seen.view
    settings = seen.installed.settings
    if settings.uses_sample:
        st.warning(
            "**These customers are invented.** No file was given, so the sample that comes with "
            "the program was used."
        )
    if not view.is_complete:
        st.warning(
            f"**{month_name(view.month)} is not complete.** The data ends on "
            f"{day_name(view.last_day)}: this is the state after that day, and nobody is named as "
            "slipping, who may still order."
        )
    if view.caution:
        st.warning(f"**These segments rest on little:** {view.caution}.")
    currency = seen.installed.policy.source.currency
    of_money = f"in {text(currency)}, " if currency else ""
    st.sidebar.markdown(
        f"Labelled {view.labelled:%Y-%m-%d %H:%M} UTC by model "
        f"{view.clusters['version'].iloc[0]}. Money is {of_money}{view.net}."
    )


if __name__ == "__main__":
    main()
