"""Sentences and pages as Jinja templates, with one way to write figures in all of them.

Belongs here: the environment and its filters. Does not: the texts, which lie beside their users.
"""

from functools import cache
from typing import Any

import jinja2

from customer_segments.outputs import columns, words


def rendered(text: str, facts: dict[str, Any], *, is_html: bool = True) -> str:
    """Return a template filled in; a name that it is not given is an error."""
    return _template(text, is_html).render(facts)


@cache
def _template(text: str, is_html: bool) -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=is_html, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {
        "amount": jinja2.pass_context(_amount),
        "count": columns.WHOLE.text,
        "counted": words.counted,
        "date": words.day_name,
        "day": columns.DATE.text,
        "exact": lambda money: words.signed(f"{money:,.2f}"),
        "figure": lambda value: words.UNKNOWN if value is None else f"{value:.2f}",
        "money": words.plain,
        "month": words.month_name,
        "number": words.number,
        "percent": words.percent,
        "share": lambda value: words.UNKNOWN if value is None else columns.SHARE.text(value),
    }
    return environment.from_string(text)


def _amount(context: jinja2.runtime.Context, money: float) -> str:
    """Return money for a sentence, in the currency of the view that the template is given."""
    return words.in_currency(words.amount(money), getattr(context.get("view"), "currency", ""))
