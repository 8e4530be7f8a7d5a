"""What README and docs/ name is there: commands, queries, links, settings and rules."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from customer_segments import tables
from customer_segments.commands.app import app
from customer_segments.installation import PREFIX, Installation
from customer_segments.policy import Policy
from customer_segments.policy.actions import Action
from customer_segments.policy.layout import Layout
from customer_segments.quality.judge import WORDS
from customer_segments.settings import Settings, project_root
from customer_segments.storage.ledger import PUBLICATIONS

ROOT = project_root()
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
OPERATIONS = ROOT / "docs/operations.md"

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(page), flags=re.DOTALL | re.MULTILINE)


def spans(page: Path) -> list[str]:
    """Return what stands between backticks outside of blocks, each on one line."""
    prose = re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]


def commands(page: Path, name: str) -> list[list[str]]:
    """Return the arguments of each call of a program that a page shows."""
    lines = [line for block in blocks(page, "") for line in block.replace("\\\n", " ").splitlines()]
    called = rf"(?:^|[\s/]){name}( .*|$)"
    found = (re.search(called, line) for line in [*lines, *spans(page)])
    return [shlex.split(match[1].strip("[]"), comments=True) for match in found if match]


def parse(arguments: list[str]) -> None:
    """Have the program's own parser read a call, without making it."""
    words = [word.strip("[]") for word in arguments]
    command = typer.main.get_command(app)
    while words and words[0] in (known := getattr(command, "commands", {})):
        command = known[words.pop(0)]
    assert not words or words[0].startswith("-") or not hasattr(command, "commands"), words
    try:
        command.make_context("customer-segments", words)
    except typer.Exit:
        # After `--help` or `--version`.
        return
    except typer.BadParameter as error:
        # A page may name a command without what it takes.
        if type(error).__name__ != "MissingParameter":
            raise


def fields_of(section: str) -> set[str]:
    return set(getattr(Policy.model_fields[section].annotation, "model_fields", {}))


def slugs(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text_of(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pages
def test_every_command_is_one_of_the_program(page):
    for arguments in commands(page, "customer-segments"):
        parse(arguments)


def test_a_call_that_is_wrong_would_be_noticed():
    usage = typer.BadParameter.__mro__[1]
    for wrong in (["run", "--month", "2011-06"], ["campain"], ["doctor", "now"]):
        with pytest.raises((usage, AssertionError)):
            parse(wrong)


@pages
def test_every_target_is_one_of_the_makefile(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for words in commands(page, "make"):
        for word in words:
            name, is_variable, _ = word.partition("=")
            known = rf"^{name} \?=" if is_variable else rf"^{name}:.*##"
            assert re.search(known, makefile, flags=re.MULTILINE), f"make {' '.join(words)}"


@pages
def test_every_query_has_an_answer_on_the_sample(page, sample_warehouse):
    asked = [
        arguments[1]
        for arguments in commands(page, "customer-segments")
        if arguments[:1] == ["sql"] and arguments[1:]
    ]
    asked += [query for block in blocks(page, "sql") for query in block.split(";") if query.strip()]
    if not asked:
        return
    with Installation.of(sample_warehouse).copy.reading() as con:
        for query in asked:
            rows = con.con.sql(query).fetchall()
            assert rows, query
            if "left the Champions" in query:
                assert "Champions" not in [row[0] for row in rows]


@pages
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        assert to.is_file(), target
        assert not anchor or anchor in slugs(to), target


@pages
def test_every_setting_is_one(page):
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    # A name that ends in `_` stands for settings that are gone.
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]*[A-Z]\b(?!_)", text_of(page))) <= known


def test_every_setting_table_and_check_is_described():
    said = text_of(OPERATIONS)
    names = [name.upper() for name in Settings.model_fields]
    assert [
        name for name in names if f"{PREFIX}{name}`" not in said and f"_{name}`" not in said
    ] == []
    contracts = {*tables.CONTRACTS, PUBLICATIONS.table}
    assert listed(said, "The tables") == contracts
    assert listed(said, "Checks") == {check for of in WORDS.values() for check in of}


def listed(text: str, section: str) -> set[str]:
    """Return what the first column of a section's table names."""
    rows = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    first = re.findall(r"^\| (`.*?) \|", rows, flags=re.MULTILINE)
    return {name for cell in first for name in re.findall(r"`(\w+)`", cell)}


@pages
def test_every_rule_is_one(page):
    sections = Policy.model_fields
    layouts = set(Layout.model_fields) | set(Action.model_fields)
    keys = layouts.union(sections, *map(fields_of, sections))
    for span in spans(page):
        if section := re.match(r"\[(\w+)\](?: (\w+))?", span):
            name, key = section.groups()
            assert name in sections, span
            assert key is None or key in fields_of(name), span
        elif rule := re.match(r"(\w+) = ", span):
            assert rule[1] in keys, span


def test_the_examples_are_policies(tmp_path):
    read = []
    for example in (block for page in PAGES for block in blocks(page, "toml")):
        path = tmp_path / "customer_segments.toml"
        path.write_text(example)
        read.append(Policy.load(path))
    assert any("updated_at" in each.source.changed for each in read)
    (said,) = (each for each in read if each.rfm.window_months)
    assert said.rfm.window_months == 24
    assert said.cleaning.non_products["PACK"] == "Packing"
