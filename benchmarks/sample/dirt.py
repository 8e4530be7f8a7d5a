"""What is wrong with real transactions: each kind of dirt a function from lines to lines.

Belongs here: rows that a clean shop would not have, and the two sheets that share some days.
Does not: orders (``transactions``), nor cell types, which are a workbook's (``writers``).

Every function takes the lines of a chunk (columns as ``transactions`` describes them) and the
random numbers for its own use, and returns the soiled lines. How often a kind of dirt occurs is
near UCI's "Online Retail II"; rare kinds occur at least twice, so that a small sample has them.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.sample.customers import END

# Code, description, prefix, quantity, median price in pounds, whether a customer is named.
_SERVICES = (
    ("M", "Manual", "", 1, 40.0, True),
    ("M", "Manual", "C", -1, 30.0, True),
    ("D", "Discount", "C", -1, 25.0, True),
    ("C2", "CARRIAGE", "", 1, 50.0, True),
    ("CRUK", "CRUK Commission", "C", -1, 250.0, True),
    ("ADJUST", "Adjustment by hand", "", 1, 20.0, True),
    ("TEST001", "This is a test product.", "", 5, 4.5, True),
    ("S", "SAMPLES", "C", -1, 30.0, False),
    ("BANK CHARGES", "Bank Charges", "C", -1, 120.0, False),
    ("AMAZONFEE", "AMAZON FEE", "C", -1, 3500.0, False),
    ("GIFT_0001_20", "Gift Voucher £20.00", "", 1, 17.0, False),
)


def postage(lines: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Add POST to many orders from abroad and DOT to some without a customer."""
    heads = lines.drop_duplicates("document")
    drawn = rng.random(len(heads))
    abroad = heads[(heads["Country"] != "United Kingdom") & (drawn < 0.6)]
    online = heads[heads["Customer ID"].isna() & (drawn < 0.2)]
    post = abroad.assign(StockCode="POST", Description="POSTAGE", Quantity=1, Price=18.0)
    dot = online.assign(
        StockCode="DOT",
        Description="DOTCOM POSTAGE",
        Quantity=1,
        Price=rng.lognormal(np.log(90), 0.6, len(online)).round(2),
    )
    return _together(lines, post, dot)


def service_documents(lines: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Add invoices and credit notes for fees, discounts, vouchers, corrections and tests."""
    heads = lines[lines["Customer ID"].notna()].drop_duplicates("document")
    for code, description, prefix, quantity, price, has_customer in _SERVICES:
        size = max(2, len(heads) // 1500)
        extra = heads.iloc[rng.choice(len(heads), size)].assign(
            document=_new_documents(lines, size),
            prefix=prefix,
            StockCode=code,
            Description=description,
            Quantity=quantity,
            Price=rng.lognormal(np.log(price), 0.5, size).round(2),
        )
        lines = _together(lines, extra if has_customer else _nobody(extra))
    return lines


def zero_prices(lines: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Give lines away; never an order's first line, so that each order keeps a sale."""
    rows = _some(lines["document"].duplicated(), 0.001, rng)
    return lines.assign(Price=lines["Price"].mask(rows, 0.0))


def fine_prices(lines: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Price lines to a tenth of a penny."""
    rows = _some(lines["Price"] > 0, 0.002, rng)
    return lines.assign(Price=lines["Price"].mask(rows, (lines["Price"] + 0.005).round(3)))


def lower_case_codes(lines: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Write codes in lower case where they have letters: 85123a for 85123A."""
    rows = _some(~lines["StockCode"].str.isdigit(), 0.02, rng)
    return lines.assign(StockCode=lines["StockCode"].mask(rows, lines["StockCode"].str.lower()))


def leading_blanks(lines: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Put a blank before descriptions."""
    rows = _some(lines["Description"].notna(), 0.003, rng)
    return lines.assign(Description=lines["Description"].mask(rows, " " + lines["Description"]))


def repeated_lines(lines: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Enter lines twice in the same invoice, alike in every cell."""
    return _together(lines, lines[_some(lines["Quantity"] > 0, 0.012, rng)])


def credit_notes(lines: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Take back part of what customers ordered, days to weeks after the order."""
    sold = lines[lines["Customer ID"].notna() & (lines["prefix"] == "") & (lines["Price"] > 0)]
    documents = sold["document"].unique()
    days = rng.integers(2, 21, len(documents))
    credited = documents[rng.random(len(documents)) < 0.08]
    delay = pd.Series(pd.to_timedelta(days, unit="D"), index=documents)
    back = sold[sold["document"].isin(credited) & (rng.random(len(sold)) < 0.5)]
    part = rng.uniform(0.05, 0.5, len(back))
    back = back.assign(
        document=back["document"] + _new_documents(lines, 1)[0],
        prefix="C",
        Quantity=-np.ceil(back["Quantity"] * part).astype(int),
        InvoiceDate=back["InvoiceDate"] + back["document"].map(delay),
    )
    return _together(lines, back[back["InvoiceDate"] < pd.Timestamp(END)])


def reversed_giant_orders(lines: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Let customers who bought one trifle order a shipload, and reverse it 12 minutes later."""
    documents = lines.drop_duplicates("document")["Customer ID"].value_counts()
    candidates = np.sort(documents.index[documents == 1].to_numpy(dtype=int))
    size = min(len(candidates), max(2, len(documents) // 2500))
    chosen = lines["Customer ID"].isin(rng.choice(candidates, size, replace=False))
    trifle = lines[chosen].drop_duplicates("document").assign(Quantity=1)
    giant = trifle.assign(
        document=_new_documents(lines, size),
        Quantity=rng.integers(40_000, 80_000, size),
        InvoiceDate=trifle["InvoiceDate"] + pd.Timedelta(minutes=30),
    )
    reversal = giant.assign(
        document=giant["document"] + size,
        prefix="C",
        Quantity=-giant["Quantity"],
        InvoiceDate=giant["InvoiceDate"] + pd.Timedelta(minutes=12),
    )
    return _together(lines[~chosen], trifle, giant, reversal)


def bad_debts(lines: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Write off debts as invoices A..., without a customer: one entered, then taken back twice."""
    day = lines.iloc[rng.choice(len(lines), 1).repeat(3)]
    amount = round(float(rng.lognormal(np.log(9000), 0.4)), 2)
    return _together(
        lines,
        _nobody(day).assign(
            document=_new_documents(lines, 3),
            prefix="A",
            StockCode="B",
            Description="Adjust bad debt",
            Quantity=1,
            InvoiceDate=day["InvoiceDate"] + pd.to_timedelta([0, 1, 2], unit="min"),
            Price=[amount, -amount, -amount],
        ),
    )


def write_offs(lines: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Take damaged stock off the books: negative units at price 0, most without description."""
    size = max(4, len(lines) // 250)
    lost = lines[lines["prefix"] == ""]
    lost = lost.iloc[rng.choice(len(lost), size)]
    reason = pd.Series(rng.choice(["damaged", "check", "stock check", "lost"], size), lost.index)
    extra = _nobody(lost).assign(
        document=_new_documents(lines, size),
        Description=reason.where(rng.random(size) < 0.4),
        Quantity=-rng.integers(1, 120, size),
        Price=0.0,
    )
    return _together(lines, extra)


# In this order: repeated lines must be alike in the dirt that went before, credit notes quote
# prices and codes as they were invoiced, and a reversed order is not credited once more.
DIRT: tuple[Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame], ...] = (
    postage,
    service_documents,
    zero_prices,
    fine_prices,
    lower_case_codes,
    leading_blanks,
    repeated_lines,
    credit_notes,
    reversed_giant_orders,
    bad_debts,
    write_offs,
)


def overlapping_sheets(lines: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Split lines into two sheets by business year; both hold the days from 1 to 9 January 2024.

    As UCI's sheets share the first nine days of December 2010: each was exported some days after
    its year had ended.
    """
    time = lines["InvoiceDate"]
    return {
        "Year 2023-2024": lines[time < pd.Timestamp(2024, 1, 10)],
        "Year 2024-2025": lines[time >= pd.Timestamp(2024, 1, 1)],
    }


def _some(candidates: pd.Series, share: float, rng: np.random.Generator) -> pd.Series:
    """Mark a share of the candidates, at least two of them where there are two."""
    rows = np.flatnonzero(candidates)
    size = min(len(rows), max(2, round(share * len(rows))))
    marked = np.zeros(len(candidates), dtype=bool)
    marked[rng.choice(rows, size, replace=False)] = True
    return pd.Series(marked, candidates.index)


def _new_documents(lines: pd.DataFrame, size: int) -> np.ndarray:
    return lines["document"].max() + 1 + np.arange(size)


def _nobody(lines: pd.DataFrame) -> pd.DataFrame:
    nobody = lines.assign(Country="United Kingdom")
    nobody["Customer ID"] = pd.array([pd.NA] * len(lines), dtype="Int64")
    return nobody


def _together(*parts: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True)
