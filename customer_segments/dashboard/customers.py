"""The page *Customers*: one of them, and all that is known.

Belongs here: finding a customer, and what happened, is to be expected, and can be done. Does not:
lists of customers (``segments``, ``moves``).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import altair as alt
import ibis
import pandas as pd
import streamlit as st

from customer_segments import tables
from customer_segments.campaigns.groups import CONTROL
from customer_segments.dashboard.reading import Seen
from customer_segments.dashboard.showing import by_segment, metrics, note, table, text
from customer_segments.model.comparison import nearest_clusters, segment_names
from customer_segments.model.features import values_of
from customer_segments.outputs.columns import columns_of
from customer_segments.outputs.serving import ORDERS, PRODUCTS, orders_of, products_of
from customer_segments.outputs.words import amount, counted, day_name, month_name
from customer_segments.shown import is_large

# Customers to choose from, of those that a search finds.
MOST_FOUND = 50
# Without another order, days from the snapshot on.
WAITED = (30, 60, 90, 180, 365)


def page(seen: Seen) -> None:
    """Show the customer that is searched for; by default the one who spent most."""
    st.title("Customers")
    sought = st.text_input(
        "Customer, or a part of the number",
        key="search",
        bind="query-params",
        persist_state="session",
        placeholder="13085",
    )
    frame = seen.view.people
    found = frame[frame["customer_id"].str.contains(sought.strip(), case=False, regex=False)]
    if found.empty:
        st.info(f"No customer of the month has {text(sought)} in the number.")
        return
    found = found.sort_values(["monetary", "customer_id"], ascending=[False, True])
    if len(found) > MOST_FOUND:
        note(f"The {MOST_FOUND} who spent most, of {len(found):,}.")
    # A number that is one of them comes before those that contain it.
    is_exact = found["customer_id"] == sought.strip()
    names = [*found.loc[is_exact, "customer_id"], *found.loc[~is_exact, "customer_id"]]
    shown, key = names[:MOST_FOUND], f"customer {sought.strip()}"
    # Who was looked at stays in another month, also where 50 others spent more.
    if (before := st.session_state.get(key)) in names[MOST_FOUND:]:
        shown.append(before)
    elif before and before not in names:
        st.warning(f"{text(before)} is no customer of {month_name(seen.month)}: this is another.")
    chosen = st.selectbox("Customer", shown, key=key, persist_state="session")
    row = found.set_index("customer_id", drop=False).loc[chosen]
    _now(row)
    _ahead(row, seen)
    _offers(seen, chosen)
    _past(seen, chosen)


def steps_ahead(
    row: pd.Series, clusters: pd.DataFrame, waited: Sequence[int] = WAITED
) -> list[dict[str, Any]]:
    """Return which segment a customer is in after another order, or after days without one."""
    kept = {name: row[name] for name in ("recency_days", "frequency", "monetary")}
    order = kept | {
        "recency_days": 1,
        "frequency": row["frequency"] + 1,
        "monetary": row["monetary"] + row["average_order_value"],
    }
    waits = [kept | {"recency_days": row["recency_days"] + days} for days in waited]
    values = values_of(pd.DataFrame([order, *waits]))
    names = segment_names(clusters)[nearest_clusters(values, clusters)]
    said = [f"One order of {amount(row['average_order_value'])}, as on average"]
    said += [f"No order for {days} days" for days in waited]
    return [{"step": step, "segment": name} for step, name in zip(said, names, strict=True)]


def _now(row: pd.Series) -> None:
    st.header(f"{text(row['customer_id'])}: {text(row['segment'])}")
    metrics(
        ("Spent", amount(row["monetary"])),
        ("Orders", f"{row['frequency']:,}"),
        ("Last order, days ago", f"{row['recency_days']:,}"),
        ("Average order", amount(row["average_order_value"])),
    )
    why = f" {text(row['why'])}" if row["why"] else ""
    by = f" By {row['channel']}." if row["channel"] not in ("", "none") else ""
    st.success(f"**What to do:** {text(row['suggested_action'])}{by}{why}")
    note(". ".join(_facts(row)) + ".")


def _facts(row: pd.Series) -> Iterator[str]:
    yield f"{row['account_tier'].capitalize()} account"
    if pd.notna(row["country"]):
        yield f"From {text(row['country'])}"
    yield f"First order on {day_name(row['first_purchase_date'])}"
    yield f"Last on {day_name(row['last_purchase_date'])}"
    yield f"Orders in {counted(row['months_active'], 'month')}"
    is_control = row["campaign_group"] == CONTROL
    yield f"Campaign group: {row['campaign_group']}{', left alone' if is_control else ''}"


def _ahead(row: pd.Series, seen: Seen) -> None:
    st.subheader("What comes next")
    left, right = st.columns(2)
    with left:
        # Days later a window is another one, and which orders it leaves is not known here.
        waited = () if seen.view.window_months else WAITED
        table(steps_ahead(row, seen.view.clusters, waited), columns_of("step segment"))
    with right:
        if pd.isna(row.get("expected_6m")):
            st.write("Nothing is foretold: it takes eighteen months of data.")
            return
        for months in (3, 6):
            name = f"expected_{months}m"
            expected, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
            within = f"; eight of ten such customers: {amount(low)} to {amount(high)}"
            # A mean of many who spend nothing, and of some who do.
            within += ", and a few far more" if expected > high else ""
            st.write(
                f"To expect in {months} months: **{amount(expected)}**"
                f"{within if pd.notna(low) else ''}."
            )
        st.write(f"Spent in the last twelve months: {amount(row['revenue_12m'])}.")


def _offers(seen: Seen, customer: str) -> None:
    st.subheader("What to offer")
    if tables.PRODUCT_RECOMMENDATIONS.table not in seen.state.tables:
        st.write("Offers are not made yet: `customer-segments recommend`.")
        return
    offered = tables.PRODUCT_RECOMMENDATIONS.relation
    rows = seen.ask(offered.filter(offered.customer_id == customer).order_by("list", "rank"))
    if rows.empty:
        st.write("There is nothing to offer: the files name no product of this customer.")
        return
    note(f"By what is known on {day_name(rows['as_of'].iloc[0])}.")
    columns = columns_of("stock_code description reason", description="Product")
    for column, (name, own) in zip(st.columns(2), rows.groupby("list"), strict=False):
        with column:
            st.markdown(f"**{name.capitalize()}**")
            table(own, columns)


def _past(seen: Seen, customer: str) -> None:
    st.subheader("What was")
    labels, lines = tables.CUSTOMER_SEGMENTS.relation, tables.CLEANED_TRANSACTIONS.relation
    history = seen.ask(labels.filter(labels.customer_id == customer).order_by("snapshot_month"))
    over_time, orders, products = st.tabs(["Segments", "Orders and returns", "Products"])
    with over_time:
        _history(history, seen.view.clusters["segment"])
    for tab, name, made_of, columns in (
        (orders, ORDERS, orders_of(lines), "invoice_date invoice is_credit lines quantity revenue"),
        (products, PRODUCTS, products_of(lines), "stock_code description orders quantity revenue"),
    ):
        with tab:
            if name == PRODUCTS and is_large(seen.state):
                st.write("Of so many customers the serving copy has no products.")
                continue
            rows = ibis.table(made_of.schema(), name=name)
            order = "invoice_date" if name == ORDERS else "revenue"
            own = rows.filter(rows.customer_id == customer).order_by(ibis.desc(order))
            table(seen.ask(own), columns_of(columns, revenue="Money", description="Product"))


def _history(history: pd.DataFrame, model: Iterable[str]) -> None:
    base = alt.Chart(history).encode(
        x=alt.X("snapshot_month:T", title=None).axis(format="%b %Y", tickCount="month"),
        y=alt.Y("monetary:Q", title="Spent"),
    )
    marks = base.mark_point(filled=True, size=90, opacity=1).encode(
        **by_segment(history["segment"], model),
        tooltip=["snapshot_month", "segment", "recency_days", "frequency", "monetary"],
    )
    st.altair_chart(
        base.mark_line(color="gray", strokeWidth=1) + marks,
        width="stretch",
        alt="Money spent by each month's end and the segment then, as in the table.",
    )
    columns = "snapshot_month segment monetary frequency recency_days"
    table(history[::-1], columns_of(columns))
