"""Texts of the data that a spreadsheet must not take for formulas.

Belongs here: which texts these are, and what a workbook cannot hold. Does not: cells (``sheets``)
and files (``tables``).
"""

import re

# OWASP, "CSV Injection": =, +, -, @, their full-width forms, tab, carriage return, line feed;
# and NUL, which the ASVS (1.2.10) adds.
FORMULA_STARTS = "=+-@\uff1d\uff0b\uff0d\uff20\t\r\n\0"
# XML 1.0 has no way to write them.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def is_like_formula(text: str) -> bool:
    """Tell whether a spreadsheet that is given this text may take it for a formula."""
    return text.startswith(tuple(FORMULA_STARTS))


def in_workbook(text: str) -> str:
    """Return a text as a workbook can hold it.

    Characters that XML has no place for become U+FFFD, and line ends are those of Unix, as
    whoever reads the file would have them anyway. Excel's limit is 32,767 characters.
    """
    if text.isprintable():
        return text[:32_767]
    return _NOT_IN_XML.sub("\ufffd", re.sub("\r\n?", "\n", text))[:32_767]
