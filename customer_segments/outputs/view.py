"""All that is known of one month: what report, workbook and terminal show.

Belongs here: the view. Does not: reading it (``reading``), how it is said or drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from customer_segments import months

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


# What files may say nothing of, and is not shown then.
OPTIONAL = ("products", "country")
# Why rows are rejected where the rules leave returns out.
CREDIT_NOTE = "credit_note"


@dataclass(frozen=True, kw_only=True)
class MonthTotals:
    """A month by segment, without its customers: what a terminal shows.

    Money is float64, in the currency of the data; months and dates are datetime64.
    """

    # Snapshot month, first day; and the day of looking at it: what is not over is not complete.
    month: date
    today: date
    # The day that recency counts to.
    snapshot_date: date
    # Of all months up to this one.
    profiles: "pd.DataFrame"
    migration: "pd.DataFrame"
    # The model that labelled the month.
    clusters: "pd.DataFrame"
    # Of all months, by what became of them.
    rows: "pd.DataFrame"
    # None if no check was ever run.
    findings: "pd.DataFrame | None"
    # What money is in, if the policy says so: GBP, €.
    currency: str = ""
    # Where these are read: net revenue of each segment's customers in twelve months, if there was
    # a snapshot then, and what to expect of them in six, where that can be said.
    year: Mapping[str, float] = field(default_factory=dict)
    expected: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether the snapshot is of the month's end; else of the data's last day."""
        return months.is_end(self.month, self.snapshot_date, self.today)

    @property
    def last_day(self) -> date:
        """Day at whose end customers are as they are shown."""
        return self.snapshot_date - timedelta(days=1)

    @cached_property
    def caution(self) -> str:
        """What cannot be said of segments that were fitted on little; empty where on enough."""
        if self.findings is None:
            return ""
        found = self.findings.query("check_name == 'little_history'")["said"]
        return found.iloc[0] if len(found) else ""

    @property
    def net(self) -> str:
        """What money is of returns."""
        is_left_out = (self.rows["reason"] == CREDIT_NOTE).any()
        return "before returns, which the rules leave out" if is_left_out else "net of returns"

    def of_month(self, table: "pd.DataFrame", column: str = "snapshot_month") -> "pd.DataFrame":
        """Return the rows of a table that are of this month."""
        import pandas as pd

        return table[table[column] == pd.Timestamp(self.month)]


@dataclass(frozen=True, kw_only=True)
class MonthView(MonthTotals):
    """A month as people see it.

    Types as in ``MonthTotals``, but for ``customers``, which has decimals.
    """

    # As ``queries`` have them: those who spent most first, and who is in the month no more. Names
    # and addresses are for lists that people of the shop read and for nothing else.
    customers: "pa.Table" = field(repr=False)
    gone: list[dict[str, Any]] = field(repr=False)
    # The decision that last put the model in force, if one did.
    decision: Mapping[str, Any] | None
    # Empty if never made.
    selection: "pd.DataFrame"
    comparison: "pd.DataFrame"
    backtest: "pd.DataFrame"
    # Up to the last month that is complete: of all cohorts, and of the newest that is followed
    # for as long as a campaign is.
    retention: "pd.DataFrame"
    newest_cohort: "pd.DataFrame"
    # Of the customers, left alone by campaigns.
    control_share: float
    sheets: "pd.DataFrame"
    # Of the newest row that counts.
    newest_date: date
    # When the month's labels were published, UTC, and from what, as the ledger has it.
    labelled: datetime
    raw_version: str
    # How many ``customers`` took goods back only, and their ``revenue``: they are in no segment.
    credits_only: Mapping[str, float]
    # What all of this is made from, as ``state_of`` returns it.
    state: str
    # By customer what to offer next, if that is made and this is the month that people are shown.
    offers: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    # Of a large month ``customers`` are those alone who stand first in the lists; beside them
    # ``sample``, some of all, and how many all are.
    sample: "pa.Table | None" = field(default=None, repr=False)
    of_all: int | None = None

    @property
    def window_months(self) -> int | None:
        """Months that a snapshot looks back on; ``None`` for all history."""
        return self.customers["window_months"][0].as_py()

    @property
    def span(self) -> str:
        """The time that orders and money of customers are of."""
        return f"in the last {self.window_months} months" if self.window_months else "so far"

    @cached_property
    def lacks(self) -> list[str]:
        """Columns of customers that the files say nothing of."""
        customers = self.customers
        return [
            name
            for name in OPTIONAL
            if name in customers.column_names and customers[name].null_count == len(customers)
        ]

    @cached_property
    def people(self) -> "pd.DataFrame":
        """The customers in order of their ids, money as float64, for figures and pictures.

        Of a large month the sample: how many that are of all is to be ``scaled``.
        """
        import pyarrow as pa

        people = self.customers if self.sample is None else self.sample
        floats = pa.schema(
            field.with_type(pa.float64()) if pa.types.is_decimal(field.type) else field
            for field in people.schema
        )
        frame = people.cast(floats).to_pandas(date_as_object=False)
        return frame.sort_values("customer_id", ignore_index=True)

    def scaled(self, people: int) -> int:
        """Return how many of all customers so many of ``people`` are."""
        return people if self.of_all is None else round(people * self.of_all / len(self.people))
