"""What the sample's shop sells: codes, descriptions and list prices.

Belongs here: the products. Does not: who buys them (``transactions``), nor codes that are no
product (``dirt``).
"""

import pandas as pd

_VARIANTS = ("RED RETROSPOT", "PINK POLKADOT", "IVORY", "VINTAGE BLUE", "GREEN PAISLEY")

# First of a run of five-digit codes, one for each variant.
_NUMBERED = (
    (20725, "LUNCH BAG", 1.65),
    (20750, "CAKE TINS SET OF 3", 4.95),
    (21080, "PAPER NAPKINS SET OF 20", 0.85),
    (21210, "CAKE CASES PACK OF 72", 0.55),
    (21485, "HOT WATER BOTTLE", 4.25),
    (21730, "WALL CLOCK", 7.95),
    (21915, "PARTY CANDLES", 0.42),
    (22045, "GIFT WRAP", 0.39),
    (22175, "EGG CUP", 1.25),
    (22355, "CHARLOTTE BAG", 0.79),
    (22425, "ENAMEL BREAD BIN", 10.95),
    (22555, "PLASTERS IN TIN", 1.69),
    (22660, "DOORMAT", 6.75),
    (22725, "ALARM CLOCK", 3.75),
    (22910, "PAPER CHAIN KIT", 2.55),
    (23200, "JUMBO SHOPPER", 1.79),
    (23300, "COFFEE MUG", 1.45),
    (23345, "KNITTED TEA COSY", 3.29),
)

# One code for all variants, told apart by a letter.
_LETTERED = (
    (84029, "HOT WATER BOTTLE COVER", 3.39),
    (84406, "COAT HANGER", 2.75),
    (84596, "DESSERT BOWL", 0.83),
    (84970, "ZINC HEART", 0.85),
    (84997, "CUTLERY SET", 4.15),
    (85014, "UMBRELLA", 5.95),
    (85049, "RIBBON REEL", 1.25),
    (85099, "JUMBO BAG", 1.95),
    (85123, "HANGING HEART T-LIGHT HOLDER", 2.55),
    (85199, "HANGING EASTER EGGS", 0.65),
)


def products() -> pd.DataFrame:
    """Return the products.

    Returns
    -------
    DataFrame of shape (140, 4)
        ``code``, ``description``, ``price`` (list price in pounds) and ``popularity`` (the part
        of order lines that are for it; adds up to 1), a few bestsellers first.
    """
    variants = tuple(enumerate(_VARIANTS))
    numbered = [
        (str(code + number), f"{variant} {thing}", price)
        for number, variant in variants
        for code, thing, price in _NUMBERED
    ]
    lettered = [
        (f"{code}{'ABCDE'[number]}", f"{variant} {thing}", price)
        for number, variant in variants
        for code, thing, price in _LETTERED
    ]
    catalogue = pd.DataFrame(numbered + lettered, columns=["code", "description", "price"])
    # Bestsellers of both sorts of codes: every third in turn instead of all numbered ones first.
    order = sorted(range(len(catalogue)), key=lambda position: (position % 3, position))
    catalogue = catalogue.iloc[order].reset_index(drop=True)
    popularity = pd.Series(1.0 / (catalogue.index + 10))
    return catalogue.assign(popularity=popularity / popularity.sum())
