"""The few pieces of HTML a report is made of; whatever is shown is escaped here."""

import base64
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

LONG = 56  # letters of a sentence that is cut to two lines until it is pressed


@dataclass(frozen=True)
class Cell:
    """One cell of a table: what is shown, what it sorts by, and the classes it is drawn with."""

    text: str
    value: str = ""
    kind: str = ""


SORTING = (
    '<p class="hint with-js">A press on a column\'s head sorts a table by it; '
    "a press on a long sentence shows all of it.</p>"
)


def number(value: float, digits: int = 2) -> Cell:
    """A number rounded for reading, sorted by its full value; nothing where there is none."""
    if math.isnan(value):
        return Cell("")
    return Cell(signed(value, digits), repr(float(value)))


def signed(value: float, digits: int = 2) -> str:
    """A number rounded for reading: a minus as wide as a digit, and none before a zero."""
    shown = f"{value:.{digits}f}"
    return shown.lstrip("-") if float(shown) == 0 else shown.replace("-", "−")


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
    # what scrolls can be reached by the keyboard, and says what it is
    return (
        f'<div class="{box}" tabindex="0" role="region" aria-label="{escape(", ".join(heads), quote=True)}">'
        f"<table{classes}><thead><tr>{top}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def cell(one: Cell) -> str:
    """One cell; a sentence is set as code, and a long one can be pressed to be seen whole."""
    shown = escape(one.text)
    if one.kind == "sentence":
        shown = f"<code{attribute('tabindex', '0' if len(one.text) > LONG else '')}>{shown}</code>"
    return f"<td{attribute('class', one.kind)}{attribute('data-value', one.value)}>{shown}</td>"


def attribute(name: str, value: str) -> str:
    """An attribute with its leading space, or nothing."""
    return f' {name}="{escape(value, quote=True)}"' if value else ""


def figure(
    png: bytes, alt: str, caption: str, command: str = "", *, narrow: bytes = b"", share: float = 1.0
) -> str:
    """A picture inside the page, what it shows, and the command that makes it.

    narrow: the same drawn for a phone; share: of the width there is, for a picture of few.
    """
    words = f' alt="{escape(alt, quote=True)}"'
    size = f' style="width:{100 * share:.4g}%"' if share < 1 else ""
    image = f'<img src="{inside(png)}"{words}{size}>'
    if narrow:
        image = f'<picture><source media="(max-width: 40rem)" srcset="{inside(narrow)}">{image}</picture>'
    kind = ' class="chart"' if narrow else ""
    return (
        f"<figure{kind}>{image}<figcaption>{paragraph(caption) if caption else ''}{made(command)}"
        "</figcaption></figure>"
    )


def inside(png: bytes) -> str:
    """A picture as an address that holds all of it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def made(command: str) -> str:
    """The command that makes what stands above, on one line until it is opened."""
    if not command:
        return ""
    return f'<details class="made"><summary>Made by <code>{escape(command)}</code></summary></details>'


def section(title: str, *parts: str) -> str:
    """A heading and what stands below it; nothing where there is nothing to show."""
    inner = "\n".join(part for part in parts if part)
    if not inner:
        return ""
    return f'<section id="{slug(title)}">\n<h2>{escape(title)}</h2>\n{inner}\n</section>'


def slug(title: str) -> str:
    """A heading as the end of an address."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def contents(titles: Iterable[str]) -> str:
    """Links to the sections of a page."""
    links = "".join(f'<li><a href="#{slug(title)}">{escape(title)}</a></li>' for title in titles)
    return f'<nav aria-label="Sections"><ul>{links}</ul></nav>'


def heading(words: str) -> str:
    """The head of the page."""
    # a figure and its interval stay on one line
    kept = re.sub(r"g = \S+( \[\S+ \S+\])?", lambda found: found[0].replace(" ", "\u00a0"), words)
    return f"<h1>{escape(kept)}</h1>"


def card(title: str, words: str, numbers: Iterable[tuple[str, str]], *parts: str) -> str:
    """A box about one thing: what it is called, its sentence, its numbers, and what is drawn of it."""
    said = "".join(f"<span>{escape(name)} <b>{escape(value)}</b></span>" for name, value in numbers)
    sentence = f"<p><code>{escape(words)}</code></p>" if words else ""
    return (
        f'<article class="card"><h3>{escape(title)}</h3>{sentence}'
        f'<div class="numbers">{said}</div>{"".join(parts)}</article>'
    )


def cards(several: Iterable[str], command: str = "") -> str:
    """Cards side by side, and the command that makes their pictures."""
    inner = "".join(several)
    return f'<div class="cards">{inner}</div>{made(command)}' if inner else ""


def code(words: str) -> str:
    """Lines of text as they stand."""
    return f"<pre><code>{escape(words)}</code></pre>"


def paragraph(words: str, kind: str = "") -> str:
    """A paragraph of plain words."""
    return f"<p{attribute('class', kind)}>{escape(words)}</p>"


def details(summary: str, *parts: str) -> str:
    """What is shown when it is asked for."""
    return f"<details><summary>{escape(summary)}</summary>{''.join(parts)}</details>"


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """A list of names and values."""
    rows = [(name, value) for name, value in rows if value]
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
<script>document.documentElement.classList.add("js")</script>
<main>
{body}
</main>
<script>
{script}</script>
</body>
</html>
"""
