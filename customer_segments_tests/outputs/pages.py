"""A report as a reader meets it: its tables, links and texts, parsed without a browser."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "link", "input", "hr"}


@dataclass
class Page(HTMLParser):
    """An HTML page, parsed; wrong nesting is an error."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    text: str = ""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.tables, self.text = [], {}, ""
        self._open: list[str] = []
        self._table: list[list[str]] | None = None
        self.feed(text)
        self.close()
        assert self._open == []
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._table = self.tables[dict(attrs)["aria-labelledby"].removeprefix("table-")] = []
        elif tag == "tr":
            self._table.append([])
        elif tag in ("td", "th"):
            self._table[-1].append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" in self._open:
            return
        self.text += data
        if self._open and {"td", "th"} & set(self._open):
            self._table[-1][-1] = " ".join((self._table[-1][-1] + data).split())

    def values(self, attribute: str, *tags: str) -> list[str]:
        """Return what an attribute says, of all tags or of some."""
        return [
            attributes[attribute]
            for tag, attributes in self.tags
            if attribute in attributes and (not tags or tag in tags)
        ]

    def row(self, table: str, *starts: str) -> list[str]:
        """Return the row of a table that starts with these cells."""
        (found,) = [row for row in self.tables[table] if tuple(row[: len(starts)]) == starts]
        return found


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, WCAG 2.2."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def mixed(hue: str, paper: str, opacity: float) -> str:
    """Return what is seen of a colour through which paper shines."""
    pairs = zip(_channels(hue), _channels(paper), strict=True)
    return "#" + "".join(f"{round(a * opacity + b * (1 - opacity)):02X}" for a, b in pairs)


def _luminance(colour: str) -> float:
    parts = (part / 255 for part in _channels(colour))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _channels(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
