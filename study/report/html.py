"""The few pieces of HTML a report is made of; whatever is shown is escaped here."""

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files


@dataclass(frozen=True)
class Cell:
    """One cell of a table: what is shown, what it sorts by, and the classes it is drawn with."""

    text: str
    value: str = ""
    kind: str = ""


def number(value: float, digits: int = 2) -> Cell:
    """A number rounded for reading, sorted by its full value; nothing where there is none."""
    if math.isnan(value):
        return Cell("")
    return Cell(f"{value:.{digits}f}", repr(float(value)))


def text(value: object) -> Cell:
    """Words, aligned to the left."""
    return Cell(str(value), kind="text")


def sentence(value: object) -> Cell:
    """A sentence of a grammar, which may take several lines."""
    return Cell(str(value), kind="sentence")


def table(
    heads: Sequence[str],
    rows: Iterable[tuple[str, Sequence[Cell]]],
    *,
    sortable: bool = False,
    tall: bool = False,
) -> str:
    """A table in a box that scrolls by itself; each row is its class and its cells."""
    body, first = [], None
    for kind, cells in rows:
        first = first or cells
        body.append(f"<tr{attribute('class', kind)}>{''.join(map(cell, cells))}</tr>")
    if first is None:
        return '<p class="soft">Nothing yet.</p>'
    kinds = ["text" if one.kind else "" for one in first]
    top = "".join(
        f'<th scope="col"{attribute("class", kind)}>{escape(head)}</th>'
        for head, kind in zip(heads, kinds, strict=True)
    )
    classes = ' class="sortable"' if sortable else ""
    box = "scroll tall" if tall else "scroll"
    return (
        f'<div class="{box}" tabindex="0"><table{classes}><thead><tr>{top}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def cell(one: Cell) -> str:
    """One cell; a sentence is set as code."""
    shown = escape(one.text)
    shown = f"<code>{shown}</code>" if one.kind == "sentence" else shown
    return f"<td{attribute('class', one.kind)}{attribute('data-value', one.value)}>{shown}</td>"


def attribute(name: str, value: str) -> str:
    """An attribute with its leading space, or nothing."""
    return f' {name}="{escape(value, quote=True)}"' if value else ""


def figure(png: bytes, alt: str, caption: str, command: str = "") -> str:
    """A picture inside the page, what it shows, and the command that makes it."""
    made = f" Made by <code>{escape(command)}</code>." if command else ""
    data = base64.b64encode(png).decode("ascii")
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{escape(alt, quote=True)}">'
        f"<figcaption>{escape(caption)}{made}</figcaption></figure>"
    )


def section(title: str, *parts: str) -> str:
    """A heading and what stands below it; nothing where there is nothing to show."""
    inner = "\n".join(part for part in parts if part)
    return f"<section>\n<h2>{escape(title)}</h2>\n{inner}\n</section>" if inner else ""


def heading(words: str) -> str:
    """The head of the page."""
    return f"<h1>{escape(words)}</h1>"


def code(words: str) -> str:
    """Lines of text as they stand."""
    return f"<pre><code>{escape(words)}</code></pre>"


def paragraph(words: str, kind: str = "") -> str:
    """A paragraph of plain words."""
    return f"<p{attribute('class', kind)}>{escape(words)}</p>"


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """A list of names and values."""
    return f"<dl>{''.join(f'<dt>{escape(a)}</dt><dd><code>{escape(b)}</code></dd>' for a, b in rows)}</dl>"


def document(title: str, body: str) -> str:
    """The whole page, style and script inside, nothing fetched from anywhere."""
    here = files("study.report")
    style = (here / "page.css").read_text(encoding="utf-8")
    script = (here / "page.js").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
<script>
{script}</script>
</body>
</html>
"""
