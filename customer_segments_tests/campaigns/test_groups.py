"""Who is left alone: by lot, and the same for ever."""

import hashlib
from datetime import date

import ibis
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_segments.campaigns.groups import campaign_group

MONTH = date(2011, 11, 1)
IDS = [f"{number:05}" for number in range(12_000, 17_000)]


def groups_of(ids: list[str], month: date = MONTH, share: float = 0.2) -> list[str]:
    table = ibis.memtable({"customer_id": ids})
    drawn = table.mutate(group=campaign_group(table.customer_id, month, share))
    found = dict(ibis.duckdb.connect().to_pyarrow(drawn).to_pandas().to_numpy())
    return [found[customer] for customer in ids]


@settings(max_examples=40)
@given(
    st.lists(st.text(min_size=1).filter(lambda text: "\0" not in text), min_size=1, unique=True),
    st.dates(date(1970, 1, 1), date(2100, 1, 1)),
    st.floats(0.01, 0.5),
)
def test_python_draws_the_same_groups(ids, month, share):
    def digest(customer: str) -> int:
        text = f"{month:%Y-%m} {customer}".encode()
        return int(hashlib.md5(text, usedforsecurity=False).hexdigest()[:8], 16)

    expected = ["control" if digest(each) < round(share * 16**8) else "test" for each in ids]
    assert groups_of(ids, month, share) == expected


def test_the_share_is_kept_and_other_months_draw_anew():
    november, december = groups_of(IDS), groups_of(IDS, date(2011, 12, 1))
    in_control = [group == "control" for group in november]
    assert abs(sum(in_control) / len(IDS) - 0.2) < 0.02
    both = [both == ("control", "control") for both in zip(november, december, strict=True)]
    assert abs(sum(both) / len(IDS) - 0.2**2) < 0.01
    # Of a larger share those of a smaller one are a part.
    larger = groups_of(IDS, share=0.3)
    assert {group for group, mine in zip(larger, in_control, strict=True) if mine} == {"control"}
