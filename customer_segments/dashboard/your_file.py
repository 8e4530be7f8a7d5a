"""The page *Your file*: what would become of a file, and of its customers under the champion.

Belongs here: a dry run of what somebody drops. Nothing is kept: the file goes with the answer.
Does not: the dry run itself (``doubts.dry_run``, as the command ``check`` has it).
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import ibis
import pandas as pd
import streamlit as st

from customer_segments.campaigns.groups import campaign_group
from customer_segments.dashboard.reading import Seen
from customer_segments.dashboard.segments import SIZES, summed
from customer_segments.dashboard.showing import note, people, table, text
from customer_segments.doubts.dry_run import DryRun, dry_run
from customer_segments.errors import UserError
from customer_segments.months import month_of
from customer_segments.outputs.columns import columns_of
from customer_segments.outputs.words import amount, counted
from customer_segments.rfm.rfm import customer_rfm
from customer_segments.segments.scoring import label
from customer_segments.source_files import SOURCE_SUFFIXES
from customer_segments.tables.money import as_floats

LEVELS = {"stops": st.error, "warns": st.warning}
KINDS = sorted({suffix.rpartition(".")[2] for suffix in SOURCE_SUFFIXES})


def page(seen: Seen) -> None:
    """Ask for files, and say what would become of them."""
    st.title("Your file")
    st.write(
        "Drop files of transactions to see how they would be read by the rules in force, and which "
        "segments their customers would be in. Nothing is kept, and nothing leaves this machine."
    )
    dropped = st.file_uploader("Files", KINDS, accept_multiple_files=True)
    if not dropped:
        return
    names = [Path(file.name).name for file in dropped]
    if again := sorted({name for name in names if names.count(name) > 1}):
        st.error(f"Two files are called {text(again[0])}. Rename one: rows are told apart by it.")
        return
    with TemporaryDirectory() as folder:
        paths = []
        for name, file in zip(names, dropped, strict=True):
            # Its name decides how it is read; a path in it does not.
            paths.append(Path(folder, name))
            paths[-1].write_bytes(file.getvalue())
        try:
            with st.spinner("Reading ..."):
                done = dry_run(paths, seen.installed)
        except UserError as error:
            # Where it lies meanwhile is no place that anybody can go to.
            said = f"{error.problem}\n\n{error.remedy}"
            st.error(text(said.replace(f"{folder}/", "")))
            return
        _fates(done)
        _doubts(done)
        if done.figures["kept"]:
            _customers(done, seen)


def labelled(done: DryRun, seen: Seen) -> pd.DataFrame:
    """Return the customers of the files at the end of their data, by the model that labels."""
    kept = done.found.rows.filter(done.found.rows.reason.isnull())
    lines = kept.mutate(month=kept.invoice_date.truncate("M").date())
    month, rules = month_of(done.figures["last"]), seen.installed.policy
    snapshot = customer_rfm(lines, month, month, rules.source.today(), rules.rfm.window_months)
    clusters = ibis.memtable(seen.view.clusters)
    labelled = as_floats(label(snapshot, clusters, len(seen.view.clusters)))
    group = campaign_group(labelled.customer_id, month, rules.campaigns.control_share)
    return pd.DataFrame(done.found.con.execute(labelled.mutate(campaign_group=group)))


def _fates(done: DryRun) -> None:
    figures = done.figures
    st.header("What would become of the rows")
    rows = [
        {"reason": fate, "share": of["rows"] / (figures["rows"] or 1)} | of
        for fate, of in done.fates.items()
    ]
    table(rows, columns_of("reason rows share revenue", reason="Row", revenue="Money"))
    if figures["kept"]:
        st.write(
            f"{counted(figures['customers'], 'customer')}, {counted(figures['orders'], 'order')}, "
            f"{amount(float(figures['revenue']))} net, {figures['first']} to {figures['last']}."
        )
    with st.expander("How it was read"):
        for place, how in done.read_as:
            st.markdown(f"- {text(place)}: {text(how)}")
        if unused := done.found.unused_names:
            st.markdown(f"Columns that are not used: {text(', '.join(unused))}.")
        if done.passed_over:
            st.markdown(f"Passed over: {text(', '.join(done.passed_over))}.")


def _doubts(done: DryRun) -> None:
    for each in done.doubts:
        show = LEVELS.get(each.level, st.info)
        show(f"**{each.name}**: {text(each.said)}\n\n{text(each.advice)}")
        if each.level == "stops":
            note("If all is well as it is, write into customer_segments.toml:")
            st.code(each.accept, language="toml")
    if not done.would_publish:
        st.error("A run would publish nothing of this.")


def _customers(done: DryRun, seen: Seen) -> None:
    frame = labelled(done, seen)
    st.header("Its customers")
    if frame.empty:
        st.info("Nobody in them bought anything: credit notes alone make no customer.")
        return
    version = seen.view.clusters["version"].iloc[0]
    note(f"By model {version}, as of the end of the files' data.")
    table(summed(frame, seen.view.clusters["segment"]), SIZES)
    listed = "customer_id campaign_group segment monetary frequency recency_days suggested_action"
    people(frame, columns_of(listed), "monetary", "customers_of_your_file")
