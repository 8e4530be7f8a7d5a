"""Pages to look through, in a browser: what the serving copy holds, and what one may ask of it.

Belongs here: pages and what they share (``reading``, ``asking``, ``showing``); each page is a
function of a ``Seen``. Does not: figures that report and workbook have as well (``outputs``), and
anything that writes. Streamlit is an extra: only this folder imports it.
"""
