"""The words of the report, each in one plain sentence.

Belongs here: terms, reasons why rows are not kept, what checks look at, limits of the model. Does
not: what segments are like, which the model says itself.
"""

from customer_segments.model.names import SEGMENTS

# What a name stands for, whatever model finds it; `model.names` has them as points.
NAMES = {
    "Champions": "Customers who bought lately, often, and for the most money.",
    "Loyal Customers": "Customers who buy often and for good money, most of them not long ago.",
    "Potential Loyalists": "Customers who bought lately, and sometimes before.",
    "New Customers": "Customers who bought lately for the first time, or nearly so.",
    "Promising": "Customers who bought not long ago, seldom so far, and for little money.",
    "Need Attention": "Customers of good standing who have not bought for some time.",
    "About To Sleep": "Customers who bought little, and not for some time.",
    "At Risk": "Customers who bought often and for good money, but long ago.",
    "Cannot Lose Them": "Customers who were among the best and have not bought for very long.",
    "Hibernating": "Customers who bought seldom, for little money, and long ago.",
    "Lost": "Customers who bought once or twice, and longest ago of all.",
}

TERMS = {
    "Snapshot": (
        "The state at the end of a month: every customer who had bought by then, and nothing that "
        "came later."
    ),
    "Recency": "Days from a customer's last order to the month's end; the last day counts as one.",
    "Frequency": "How many orders a customer placed, counted by invoices.",
    "Monetary": "What a customer bought, minus what was returned; it can be below zero.",
    "Segment": "Customers of like recency, frequency and money, found and named by the model.",
    "Median": "The middle: half of the customers have less, half have more.",
    "Account tier": (
        "A customer is a wholesale account above the upper quartile of money plus one and a half "
        "times the distance between the quartiles, else a retail account; no segment depends on it."
    ),
    "Credit note": "An invoice that takes goods back; its money is subtracted from the sales.",
    "Rejected row": "A row of the workbooks that does not count, with the one reason why.",
    "Champion model": "The fitted model that labels customers until another one replaces it.",
    "Refit": (
        "Fitting the model anew; the new one labels only if it is stable enough and few customers "
        "would change segment by it alone."
    ),
    "Silhouette": (
        "How much nearer customers are to their own segment than to the next one: 1 for islands, "
        "0 for no difference."
    ),
    "Null silhouette": (
        "The silhouette of a made-up cloud of the same shape that has no segments in it: what "
        "cutting alone achieves."
    ),
    "Stability (ARI)": (
        "The adjusted Rand index says how alike two groupings are: 1 for the same, 0 for chance; "
        "stability is its mean over models fitted on resampled customers."
    ),
    "Jaccard index": (
        "Of the customers that are in a segment in either of two groupings, the share that is in "
        "it in both."
    ),
    "Explained variance": (
        "How much of the differences in later spending a grouping foretells: 100% for all, 0% for "
        "no more than the mean does."
    ),
    "AUC": (
        "How often a customer who came back had been ranked above one who did not: 1 for always, "
        "0.5 for tossing a coin."
    ),
    "Top tenth": (
        "The tenth of the customers who are foretold to spend most; the larger their share of what "
        "was spent then, the better they were found."
    ),
    "RFM grid": (
        "The classic segments by hand: customers are scored from 1 to 5 in recency and frequency, "
        "and a table gives each pair of scores a name."
    ),
    "Quintile sum": (
        "The plain sum of the scores from 1 to 5 for recency, frequency and money, with no model "
        "at all."
    ),
}

REASONS = {
    "kept": "A sale, or a credit note, of a product to a known customer.",
    "unreadable_value": "A cell is not what its column holds, such as text for a quantity.",
    "outside_months": "Dated outside the months that are covered.",
    "overlapping_invoice": "The same invoice stands in a later sheet or file, which counts.",
    "missing_customer": "No customer is named: the sale cannot be put in any segment.",
    "adjustment": "An adjustment of the accounts, no sale.",
    "non_product": "Postage, fees, vouchers, manual and test entries, no product.",
    "non_positive_price": "Given away, or written off: the price is zero or less.",
    "non_positive_quantity": "A sale of nothing, or of less.",
    "positive_credit_note": "A credit note that takes nothing back.",
    "credit_note": "A credit note, where the settings leave them out.",
    "repeated_line": "Says the same as an earlier line of its invoice, where the settings drop it.",
}

CHECKS = {
    "awaited_month": "The last month that is over has not all arrived yet.",
    "complete_month": "The month is cut short: these are the figures of a part of it.",
    "conflicting_invoices": "Two files tell the same invoice in different ways; the later counts.",
    "volume": "Many more or fewer rows, or much more or less money, than in the months before.",
    "reject_rate": "More rows than usual do not count, for one reason.",
    "customers": "The number of customers grew or shrank more than it does by itself.",
    "negative_monetary": "Many customers returned more than they bought: sales may be missing.",
    "fit": "The model's segments overlap, or one has hardly any customers.",
    "silhouette": "The model's segments overlap.",
    "stability": "The model's segments may be chance.",
    "refit_moves": "The model is out of date: fitted anew it would put many customers elsewhere.",
    "smallest_segment": "A segment has hardly any customers: a campaign for it is not worth much.",
    "separation": "Customers no longer fall into the segments as clearly as they did.",
    "movement": "More customers than usual changed segment, perhaps because of the data.",
    "drift": "Segments are of another size than before: a season, other customers, or the data.",
    "typical_customer": "The typical customer of a segment spends or orders otherwise than before.",
    "contract": "A table breaks its own rules: do not build on it.",
    "reconciliation": "A table does not add up with what it is made from: do not build on it.",
}

SLICES = (
    "Segments are slices of a continuum, not islands: who stands close to a border may change "
    "segment by one order."
)

LIMITS = (
    "It knows what customers bought, and nothing else: not their age, their visits or their plans.",
    "It looks back. It says who would buy anyway, not what a campaign changes: that, only a test "
    "can tell in which customers drawn by lot are left alone.",
    "Money is net of returns, and without postage, fees and vouchers.",
    "Recency counts to the month's end, also where the data ends earlier.",
)


def term_of(segment: str) -> str:
    """Return the sentence on a segment's name; a numbered one is like its name."""
    return NAMES.get(segment.rstrip("0123456789 "), "")


def entries(segments: list[str]) -> list[tuple[str, str]]:
    """Return the glossary: terms in alphabetical order, then the names of segments in use."""
    names = [name for name in SEGMENTS if any(s.startswith(name) for s in segments)]
    return [
        *sorted(TERMS.items(), key=lambda entry: entry[0].casefold()),
        *((name, NAMES[name]) for name in names),
    ]
