"""Rules that decide rows: what is kept of the files, and what a snapshot looks back on."""

import re
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator
from tzlocal import get_localzone_name

from customer_segments.policy.section import Section
from customer_segments.texts import read_toml

UCI_PRODUCT_PATTERN = r"^([0-9]{5}[A-Z]*|PADS)$"

# What each code of UCI's that is no product is, and how UCI describes it.
UCI_CODES: dict[str, tuple[str, str]] = read_toml(__package__, "uci.toml")
UCI_NON_PRODUCTS = {code: what for code, (what, _) in UCI_CODES.items()}


class Source(Section):
    """What holds for all files of the retailer."""

    time_zone: str = Field(default_factory=get_localzone_name)
    """Time zone of the retailer: of "today", of the months and of the schedule. By default this
    machine's."""
    currency: str = ""
    """What money is in, to be shown beside it: GBP."""
    accept: list[str] = Field(default_factory=list)
    """Doubts about the files that are looked into and accepted, by name: they warn, and no longer
    stop."""
    no_customer: list[str] = read_toml(__package__, "nobody.toml")["names"]
    """Customer ids that stand for nobody, in any case; `*` in front or at the end stands for
    anything."""
    leading_zeros: Literal["keep", "drop"] = "keep"
    """Whether 00123 is another customer than 123, or the same; C00123 and C123 likewise."""
    id_signs: Literal["keep", "drop"] = "keep"
    """Whether letters in front of an id's digits and signs among them tell customers apart, or
    C-20,001 is 20001."""
    customer_names: Literal["keep", "drop"] = "keep"
    """Whether a name beside the number tells customers apart, or "20001 - Smith & Co" is 20001."""
    letter_case: Literal["keep", "ignore"] = "keep"
    """Whether k12 is another customer than K12, or the same."""

    database: str = ""
    """Address of a database that is read in place of files: postgresql://user@host:5432/shop. The
    password is no rule; it is taken from CUSTOMER_SEGMENTS_DATABASE_PASSWORD."""
    query: str = ""
    """SELECT that gives the rows, with the columns of a file."""
    changed: str = ""
    """SELECT that gives each month of them, such as 2011-06, and a version that changes when its
    rows do. Without one, all rows are looked at."""

    @field_validator("database")
    @classmethod
    def _address(cls, address: str) -> str:
        if address and not re.match("postgres(ql)?://", address):
            raise ValueError("Only PostgreSQL is read; write it as postgresql://user@host/shop.")
        user, at, _ = address.partition("://")[2].partition("@")
        if (at and ":" in user) or "password=" in address:
            raise ValueError("No password here: it is CUSTOMER_SEGMENTS_DATABASE_PASSWORD.")
        return address

    @model_validator(mode="after")
    def _belong_together(self) -> "Source":
        if bool(self.database) != bool(self.query) or (self.changed and not self.query):
            raise ValueError("database and query need each other, and changed needs both.")
        return self

    @field_validator("time_zone")
    @classmethod
    def _known_time_zone(cls, name: str) -> str:
        try:
            return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name} is not a time zone; write it as Europe/London.") from error

    def today(self) -> date:
        """Return the retailer's date."""
        return datetime.now(ZoneInfo(self.time_zone)).date()


class Cleaning(Section):
    """Which rows are kept. The defaults keep 805,749 of UCI's 1,067,371."""

    drop_overlapping_invoices: bool = True
    """Reject rows whose invoice also stands in a later sheet or file."""
    drop_missing_customer: bool = True
    """Reject rows without a customer id."""
    drop_adjustments: bool = True
    """Reject accounting adjustments, in UCI's data alone: invoices that start with A."""
    drop_non_products: bool = True
    """Reject postage, fees, vouchers, manual and test entries."""
    non_products: dict[str, str] = Field(default_factory=dict)
    """The retailer's own stock codes that are no products (of lines without one, descriptions), and
    what they are; `*` at the end stands for anything, "" for lines with neither. An empty text
    takes a code out of UCI's, and says of what is called like a service that it is a product."""
    uci_non_products: dict[str, str] = UCI_NON_PRODUCTS
    """Stock codes that are no products in UCI's data, and in no others: these too where the data
    use UCI's codes as UCI does."""
    product_pattern: str | None = None
    """Regular expression that a product's stock code matches (trimmed, upper case), in place of
    both tables of non-products; for example ^([0-9]{5}[A-Z]*|PADS)$"""
    drop_non_positive_price: bool = True
    """Reject rows with a price <= 0."""
    drop_non_positive_quantity: bool = True
    """Reject sale lines with a quantity <= 0."""
    drop_positive_credit_notes: bool = True
    """Reject credit lines with a quantity >= 0."""
    drop_credit_notes: bool = False
    """Reject credit lines rather than netting them against sales."""
    drop_repeated_lines: bool = False
    """Reject all but the first of identical lines within an invoice, rather than flagging them:
    some tills write one line per scan."""
    credit: Literal["prefix", "sign", "price"] = "prefix"
    """What marks a credit line: prefix, that its invoice number starts with credit_prefix; sign, a
    negative quantity, or a negative price of a positive one; price, a negative price."""
    credit_prefix: str = "C"
    """For credit = "prefix": what the number of a credit note starts with, in any case. It marks
    nothing where the quantities under it are mostly positive: there C-1 is an order."""
    credit_statuses: list[str] = Field(default_factory=list)
    """Statuses of credit lines, whatever their sign; they count beside ``statuses``, if any."""
    statuses: list[str] = Field(default_factory=list)
    """Statuses whose rows count, as the files say them, in any case; "" for rows without one.
    Empty: all rows count."""

    @field_validator("product_pattern")
    @classmethod
    def _is_pattern(cls, pattern: str | None) -> str | None:
        if pattern:
            import duckdb

            # By the engine's dialect, which knows less than Python's.
            try:
                with duckdb.connect() as con:
                    con.execute("SELECT regexp_matches('', ?)", [pattern])
            except duckdb.Error as error:
                raise ValueError(f"the engine cannot read it: {error}") from error
        return pattern

    @field_validator("credit_prefix")
    @classmethod
    def _not_empty(cls, prefix: str) -> str:
        if not prefix.strip():
            raise ValueError(
                'it is empty; returns that a negative quantity alone marks are credit = "sign"'
            )
        return prefix


class Rfm(Section):
    """What a snapshot looks back on."""

    window_months: int | None = Field(default=None, ge=1, le=1200)
    """Look back this many months, the snapshot's included; empty for all history. A customer
    without a sale in the window is not in the snapshot."""


class Segments(Section):
    """How segments are kept up."""

    relabel: Literal["all", "new"] = "all"
    """What a new champion labels: all months anew, or only those to come."""


class Value(Section):
    """How the revenue to come is foretold."""

    decay_days: float = Field(default=180, gt=0)
    """Days without an order after which a customer counts exp(-1), .37, of what the last twelve
    months say."""


class Recommend(Section):
    """What customers are offered."""

    buy_again: int = Field(default=10, ge=1, le=100)
    """Most products per customer that they bought before."""
    new_for_you: int = Field(default=10, ge=1, le=100)
    """Most products per customer that they never bought."""
    sold_days: int = Field(default=120, ge=1, le=365)
    """Days without a sale after which a product is taken to be sold no more, and offered to nobody.
    On UCI's data a fifth of the products of a year, and .4 % of what was bought next."""
