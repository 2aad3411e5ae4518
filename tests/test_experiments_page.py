"""The page: nothing of a store reaches it unescaped, the same findings give the same bytes, figures hold light and dark."""
import ast
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jinja2", reason="the extra [report]")

from experiments import registry
from experiments.report import alts, papers, pictures, plots, vectors
from experiments.report.decisions import ACTIONS, KEEP, NOT_YET, Advice, Decision
from experiments.report.page import Finding, markdown, opening, page
from experiments.report.pictures import Picture
from experiments.report.tables import Table
from experiments.report.web_parts import Part, as_json, render, tight, web_file

ROOT = Path(__file__).resolve().parent.parent
EVIL = "<script>alert(1)</script>]]>--><!--\"'<img src=x onerror=alert(2)>{{ 7*7 }}\u2028&amp;"


class Seen(HTMLParser):
    """What a browser would make of a page: elements with their attributes, and the text outside scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.words, self._raw = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._raw = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag):
        self._raw = ""

    def handle_data(self, data):
        if not self._raw:
            self.words.append(data)

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def made(text="plain", runs="quick"):
    picture = Picture("zero_loss_curves", text, 80, 60, "data:image/svg+xml,%3Csvg/%3E")
    other = Picture("x", text, 80, 60, "data:image/png;base64,AA==", "data:image/png;base64,AB==")
    answered = Finding("zero_loss", text, ("1 s", text, "3 s"), "experiments/questions/zero_loss.py",
                       [papers.Paper(text, "https://arxiv.org/abs/2002.08709")], runs, f"No, it does not. {text}",
                       [Table(text, ("", text), [(text, text)], f"{text}\n{text}")],
                       [(picture, text), (other, text)], {text: text}, [text])
    waiting = Finding("loss_matters", text, ("1 s", "2 s", "3 s"), "experiments/questions/loss_matters.py", notes=[text])
    rows = [Decision(text, "zero_loss", Advice(KEEP, text), text), Decision("other", "loss_matters", Advice(NOT_YET, ""))]
    parts = [None, Part("demo", text, data={text: [text, 1.5]}, alt=text),
             Part("other", text, alt=text, question="loss_matters")]
    return page([answered, waiting], rows, parts, version=text, links="https://example.org/")


def test_nothing_of_a_store_becomes_markup():
    plain, evil = Seen(made()), Seen(made(EVIL))
    assert [tag for tag, _ in evil.elements] == [tag for tag, _ in plain.elements]
    assert [sorted(names) for _, names in evil.elements] == [sorted(names) for _, names in plain.elements]
    assert not [name for _, attributes in evil.elements for name in attributes if name.startswith("on")]
    assert EVIL in " ".join(evil.words).replace("\u00a0", " ") and EVIL in {one.get("alt") for one in evil.named("img")}


def test_data_come_back_and_end_no_script():
    text = made(EVIL)
    data = re.search(r'<script type="application/json" id="demo-data">(.*?)</script>', text)[1]
    assert json.loads(data) == {EVIL: [EVIL, 1.5]} and not set("<>&\u2028") & set(data)
    with pytest.raises(ValueError):
        as_json({"x": float("nan")})


def test_only_our_scripts_may_run_and_nothing_is_fetched():
    seen = Seen(text := made(EVIL))
    [policy] = [one["content"] for one in seen.named("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and rules["img-src"] == "data:" and "unsafe" not in rules["script-src"]
    from base64 import b64encode
    from hashlib import sha256

    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert scripts == [web_file("page.js")]
    allowed = [f"'sha256-{b64encode(sha256(one.encode()).digest()).decode()}'" for one in scripts]
    assert allowed == rules["script-src"].split()
    asked = [value for tag, attributes in seen.elements for name, value in attributes.items()
             if name in ("src", "srcset") or (tag == "link" and name == "href")]
    assert len(asked) == 4 and all(value.startswith("data:") for value in asked)


def test_the_same_findings_are_the_same_bytes():
    assert made() == made()


def test_its_headings_are_in_order_and_all_links_lead_somewhere():
    seen = Seen(made())
    levels = [int(tag[1]) for tag, _ in seen.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in seen.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    pointed = {one["href"][1:] for one in seen.named("a") if one["href"].startswith("#")} | {
        name for _, attributes in seen.elements for name in attributes.get("aria-labelledby", "").split()}
    assert pointed <= set(ids) and seen.named("html") == [{"lang": "en"}]


def test_what_is_not_run_says_so_with_its_command():
    text = made()
    waiting = text[text.index('id="loss_matters"'):]
    assert "Not yet run" in waiting and "afterzero run loss_matters --quick</code> 1 s" in waiting
    assert 'data-part="other"' in waiting and "None" not in text


@pytest.mark.parametrize(("answer", "word", "lead", "rest"), [
    ("No for the test loss (worse in 4 of 4 cases). More.", "No", "for the test loss (worse in 4 of 4 cases).", ["More."]),
    ("Yes, if equal inputs have equal labels. A.", "Yes", "If equal inputs have equal labels.", ["A."]),
    ("Yes. At the end 5 of 6 rose. B.", "Yes", "At the end 5 of 6 rose.", ["B."]),
    ("It depends on labels: yes (Soudry et al. 2018). C.", "It depends", "on labels: yes (Soudry et al. 2018).", ["C."]),
    ("It depends on more than 2 seeds, which cannot tell: it takes 10. D.", "Cannot tell yet",
     "It depends on more than 2 seeds, which cannot tell: it takes 10.", ["D."]),
    ("Two seeds cannot tell. E.", "Cannot tell yet", "Two seeds cannot tell.", ["E."]),
    ("Yes for the loss; of the error 3 seeds cannot tell.", "Yes", "for the loss; of the error 3 seeds cannot tell.", []),
    ("Nothing like it", "", "Nothing like it", []), ("No.", "No", "", [])])
def test_how_an_answer_opens(answer, word, lead, rest):
    assert opening(answer) == (word, lead, rest)


@pytest.mark.parametrize(("answer", "short"), [
    ("No for the test loss (worse in 4 cases); for the error it depends.", "No for the test loss"),
    ("Yes, if equal inputs have equal labels. More.", "Yes if equal inputs have equal labels"), ("Yes. More.", "Yes"),
    ("No for 0.5 of the runs (3 of 6). More.", "No for 0.5 of the runs"),
    ("No for 1,000 samples, yes for 2.", "No for 1,000 samples"),
    ("Yes, if e.g. clean vs. wrong labels differ: they do. More.", "Yes if e.g. clean vs. wrong labels differ"),
    ("No for a rate of 0.5. More.", "No for a rate of 0.5"),
    ("No: random labels were not fitted.", "No"), ("It depends on the data. More.", "It depends"), ("For now.", "")])
def test_the_list_of_contents_says_for_what_a_word_holds(answer, short):
    assert Finding("name", "Question?", ("", "", ""), "path", answer=answer).short == short


def test_markdown_of_the_decisions():
    text = markdown([Decision("a|b <x>", "zero_loss", Advice(KEEP, "1 → 2\n3"), "quick, 3 seeds"),
                     Decision("c", "speed", Advice(NOT_YET, ""))])
    assert text.splitlines()[2:] == [
        "| a\\|b &lt;x> | **keep training** | 1 → 2 3 | [`zero_loss`](experiments/README.md#zero_loss) (quick, 3 seeds) |",
        "| c | **not yet run** |  | [`speed`](experiments/README.md#speed) |"]


# --- figures ---

def figures(folder, points=5, other=False):
    def panel(axis):
        axis.plot(np.arange(points), np.sin(np.arange(points)), color=plots.ink(plots.BLUE), label="x")
        if other and plots.look().dark:
            axis.text(0, 0, "in the dark")
    return plots.page(folder / "made.png", [[panel]], title="A title", size=(3, 2))


def test_a_figure_is_one_file_for_light_and_dark():
    [one] = pictures.pictures(figures)
    assert (one.name, one.title, one.width, one.height, one.dark) == ("made", "A title", 288, 192, "")
    assert one.light.startswith("data:image/svg+xml,") and not set('"&') & set(one.light)
    assert pictures.pictures(figures) == [one]  # no day, no random names
    from urllib.parse import unquote
    svg = unquote(one.light)
    light, dark = svg.split("@media (prefers-color-scheme:dark)")
    assert "#0072b2" in light and "#0072b2" not in dark and "#14171c" in dark
    assert "<script" not in svg and "<metadata" not in svg


def test_a_figure_that_differs_is_two_files_and_a_dense_one_two_pictures(monkeypatch):
    [one] = pictures.pictures(lambda folder: figures(folder, other=True))
    assert one.light.startswith("data:image/svg+xml;base64,") and one.dark.startswith("data:image/svg+xml;base64,")
    monkeypatch.setattr(pictures, "DENSE", 100)
    [one] = pictures.pictures(figures)
    assert one.light.startswith("data:image/png;base64,") and one.dark.startswith("data:image/png;base64,")
    assert one.light != one.dark


def test_an_address_keeps_what_it_holds():
    from urllib.parse import unquote
    assert unquote(vectors.address("<a b='1 %' c=\"#d\">&amp;</a>")) == "data:image/svg+xml,<a b='1 %' c='#d'>&amp;</a>"


# --- what stands beside the questions ---

def test_every_picture_of_the_gallery_and_every_figure_has_words():
    drawn = {path.stem for path in (ROOT / "experiments" / "gallery").glob("*.png")}
    for path in (ROOT / "experiments" / "questions").rglob("*.py"):
        drawn |= set(re.findall(r'"(\w+)\.png"', path.read_text(encoding="utf-8")))
    assert drawn - set(alts.ALTS) == set() and len(drawn) > 40
    assert all(len(text) > 40 and text.endswith(".") and "- " not in text for text in alts.ALTS.values())


def test_papers_that_docstrings_name_are_known():
    for name in registry.NAMES:
        text = registry.docstring(name)
        assert bool(papers.named(text)) == bool(re.search(r"\b(19|20)\d\d\)?", text)), name
        assert (ROOT / registry.path(name)).is_file()
    found = {one for name in registry.NAMES for one in papers.named(registry.docstring(name))}
    assert found == set(papers.PAPERS.values())


def test_colours_can_be_read():
    css = web_file("base.css")
    for block in (css[:css.index("@media")], css[css.index("@media"):]):
        hues = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
        for ground in ("ground", "raised"):
            assert min(contrast(hues[ground], hues[name]) for name in (
                "ink", "quiet", "blue", "orange", "green", "red", "purple")) >= 4.5
            assert contrast(hues[ground], hues["edge"]) >= 3
    assert set(ACTIONS.values()) <= {*hues}


def contrast(a, b):
    """Of WCAG 2.2."""
    def luminance(colour):
        parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    low, high = sorted(map(luminance, (a, b)))
    return (high + 0.05) / (low + 0.05)


def test_templates_escape_by_default_and_miss_nothing(monkeypatch):
    from experiments.report import web_parts
    monkeypatch.setattr(web_parts, "web_file", lambda name: {"a": "{{ x }}", "b": "{{ y }}"}[name])
    assert render("a", x="<b>") == "&lt;b&gt;"
    with pytest.raises(Exception, match="'y' is undefined"):
        render("b")
    assert tight("error → end: 1 → 2") == "error → end: 1\u00a0→\u00a02"
    assert tight("1.2 ±0.3 % of 5 seeds") == "1.2\u00a0±0.3\u00a0% of 5\u00a0seeds"


def test_page_py_is_given_questions_and_imports_none():
    tree = ast.parse((ROOT / "experiments" / "report" / "page.py").read_text(encoding="utf-8"))
    names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in names if "questions" in name or "registry" in name]
