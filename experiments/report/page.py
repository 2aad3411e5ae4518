"""One page that shows every answer, made from what the questions found: `Finding`, one each, and `Decision`, a row each."""
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .decisions import ACTIONS, Decision
from .papers import Paper
from .pictures import Picture
from .tables import Table
from .web_parts import Part, once, parts_by_place, policy, render, web_file

TITLE = "Should you keep training after 100 % training accuracy?"
WORDS = ("Yes", "No", "It depends")
CANNOT = re.compile(r"It depends on more than \d|.*cannot tell")  # how answers open that tell nothing
SENTENCE = re.compile(r"(?<=[a-z0-9)%”°][.?!]) +(?=[A-Z0-9])(?<!et al\. )(?<!e\.g\. )")
# A yes or no that holds for some, up to what ends a clause: no stop or comma inside a figure or an abbreviation does.
CONDITION = re.compile(r"(for|if) (?:[^(;:,.]|[:,](?=\d)|\.(?=\w| [a-z]))+", re.IGNORECASE)
PARAGRAPH = 360  # characters after which a new one begins


@dataclass(frozen=True)
class Finding:
    """What there is to show of a question.

    Attributes
    ----------
    name, question : str
    takes : (str, str, str)
        Times of --quick, the default and --full.
    code : str
        Path of its source.
    papers : sequence of Paper
    runs : str
        Which were found: "quick", "default", "full"; "" for none that are complete.
    answer : str
    tables : sequence of Table
    pictures : sequence of (Picture, str)
        Each with what is seen in it.
    how : mapping of str to str
        How it was run, in words.
    notes : sequence of str
        What else the store holds, or what is wrong with it.
    """

    name: str
    question: str
    takes: tuple[str, str, str]
    code: str
    papers: Sequence[Paper] = ()
    runs: str = ""
    answer: str = ""
    tables: Sequence[Table] = ()
    pictures: Sequence[tuple[Picture, str]] = ()
    how: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def word(self) -> str:
        """How the answer opens: "Yes", "No", "It depends" or "Cannot tell yet"; what is not run has none."""
        return opening(self.answer)[0] if self.answer else ""

    @property
    def short(self) -> str:
        """`word`, and for what it holds where that comes next: "No for the test loss"."""
        condition = CONDITION.match(self.lead) if self.word in WORDS[:2] else None
        said = condition[0].strip() if condition else ""
        return f"{self.word} {said[:1].lower()}{said[1:]}".strip()

    @property
    def took(self) -> str:
        """How long such runs take."""
        return dict(zip(("quick", "default", "full"), self.takes, strict=True)).get(self.runs, "")

    @property
    def lead(self) -> str:
        """The rest of its first sentence."""
        return opening(self.answer)[1]

    @property
    def paragraphs(self) -> list[str]:
        """All other sentences."""
        return opening(self.answer)[2]


def opening(answer: str) -> tuple[str, str, list[str]]:
    """Split an answer into its first word (or words), the rest of that sentence, and paragraphs of the others."""
    first, *others = SENTENCE.split(answer)
    word = next((word for word in WORDS if re.match(rf"{word}\b", first)), "")
    rest = first[len(word):].strip(" .") and first[len(word):].lstrip()
    if word not in WORDS[:2] and CANNOT.match(first):
        word, rest = "Cannot tell yet", first
    elif rest[:1] in (":", ",", ";"):  # "Yes, if ..." is two lines here
        rest = rest[1:].lstrip()
        rest = rest[:1].upper() + rest[1:]
    if not rest and others:
        rest = others.pop(0)
    paragraphs: list[str] = []
    for sentence in others:
        if paragraphs and len(paragraphs[-1]) < PARAGRAPH:
            paragraphs[-1] += f" {sentence}"
        else:
            paragraphs.append(sentence)
    return word, rest, paragraphs


def page(findings: Sequence[Finding], decisions: Sequence[Decision], parts: Sequence[Part | None] = (), *, version: str,
         links: str | None = None) -> str:
    """Return a page as HTML that needs nothing else: no other file, no network.

    Parameters
    ----------
    findings, decisions : sequences
        In their order.
    parts : sequence of Part or None
        Interactive ones; None where there is nothing to show.
    version : str
        Of the program.
    links : str, optional
        What stands before paths of the code to make addresses of them; None: paths are no links.
    """
    there = [part for part in parts if part is not None]
    scripts = [web_file(name) for name in once([*(part.scripts for part in there), ["page.js"]])]
    values: dict[str, Any] = {
        "title": TITLE, "findings": findings, "decisions": decisions, "hues": ACTIONS, "parts": parts_by_place(there),
        "styles": once([["base.css"], *(part.styles for part in there), ["page.css"]]), "scripts": scripts,
        "policy": policy(scripts), "version": version, "links": links,
        "answered": [one for one in findings if one.answer]}
    return render("page.html", **values)


def markdown(decisions: Sequence[Decision]) -> str:
    """Return the decision table as Markdown."""
    def cell(text: str) -> str:
        return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
    lines = ["| your situation | what to do | what was measured (± 95 %) | question |", "| --- | --- | --- | --- |"]
    for one in decisions:
        runs = f" ({one.runs})" if one.runs else ""
        lines.append(f"| {cell(one.situation)} | **{one.advice.action}** | {cell(one.advice.measured)} | "
                     f"[`{one.question}`](experiments/README.md#{one.question}){runs} |")
    return "\n".join(lines) + "\n"
