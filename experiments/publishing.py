"""README's decision table, answer and picture and the gallery of experiments/README.md, all from one store by one command.

Only what rests on complete runs of a question's default is written; everything else stays as it stands. The mark of the
decision table names the version of each question's runs, so that a test can say whether a row is of this code.
"""
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from . import deciding, registry
from .collecting import Found, look
from .documenting import SECTION, section
from .report.alts import ALTS
from .report.decisions import Decision
from .report.page import SENTENCE, markdown
from .report.pictures import palette
from .report.words import counted
from .runs.outputs import document, writing
from .runs.schema import StoreError
from .runs.snapshot import Noting, snapshot

DECISIONS = re.compile(r"<!-- decision table: begin, runs (?P<runs>[^>]*?) -->\n(?P<text>.*?)<!-- decision table: end -->",
                       re.DOTALL)
HEADING, NEXT = "\n## Gallery\n", re.compile(r"^## ", re.MULTILINE)
ENTRY = re.compile(r"^### (?P<name>\w+)\n.*?(?=^### |\Z)", re.MULTILINE | re.DOTALL)
PICTURES = Path("experiments", "gallery")


def publish(results: Path, folder: Path) -> list[Path]:
    """Write the documents of a checkout, and their pictures, from a store; return the files written.

    Raises
    ------
    StoreError
        When the store cannot be used or holds no complete default, or a document is not there or lacks its marks. Then
        nothing is written.
    """
    readme, catalogue = folder / "README.md", folder / "experiments" / "README.md"
    texts = {path: document(path) for path in (readme, catalogue)}
    with snapshot(results) as store, TemporaryDirectory(prefix="afterzero-report-") as temporary:
        found = {name: one for name in registry.NAMES if (one := look(name, store, presets=("default",))[0])}
        if not found:
            raise StoreError(f"--results: got {str(results)!r}, which holds all runs of no question's default, accepted: a "
                             "folder where one is complete; run an experiment without --quick first")
        rows = deciding.decisions({name: (one.module, one.results, one.runs) for name, one in found.items()})
        texts[readme] = with_sections(with_decisions(texts[readme], rows, list(found)), found)
        drawn = {name: draw(one, Path(temporary), folder / PICTURES) for name, one in found.items()}
        texts[catalogue] = with_gallery(texts[catalogue], {
            name: entry(name, one, drawn[name], [row for row in rows if row.question == name])
            for name, one in found.items()})
        for path, text in texts.items():
            with writing(path, text=True) as file:
                file.write(text)
        pictures = [path for paths in drawn.values() for path in paths]
        for path in pictures:
            with writing(folder / PICTURES / path.name) as file:
                file.write(palette(path.read_bytes()))
    return [*texts, *(folder / PICTURES / path.name for path in pictures)]


# --- README ---

def version(name: str) -> str:
    """Return 12 hexadecimal digits that follow from the identities of the runs of a question's default."""
    from hashlib import sha256

    module = registry.load(name)
    keys = Noting().asked(lambda store: module.run(module.Config(), store))
    return sha256("\n".join(sorted(keys)).encode()).hexdigest()[:12]


def versions(text: str) -> dict[str, str]:
    """Return the versions of the runs, by question, that the decision table of a document is of.

    Raises
    ------
    StoreError
        Unless there is one table.
    """
    found = DECISIONS.findall(text)
    if len(found) != 1:
        raise StoreError(f"README.md: got {len(found)} decision tables, accepted: one, between <!-- decision table: begin, "
                         "runs … --> and <!-- decision table: end -->")
    return dict(pair.split(" ") for pair in found[0][0].split(", ") if " " in pair)


def with_decisions(text: str, rows: Sequence[Decision], names: Sequence[str]) -> str:
    """Return a document with the rows of some questions renewed in its decision table; others keep what stands there."""
    runs = versions(text) | {name: version(name) for name in names if name in {row.question for row in rows}}
    [one] = DECISIONS.finditer(text)
    old = {line.split(" | ")[0]: line for line in one["text"].splitlines()}
    head, rule, *new = markdown(rows).splitlines()
    lines = [line if row.question in names else old.get(line.split(" | ")[0], line)
             for row, line in zip(rows, new, strict=True)]
    of = ", ".join(f"{name} {runs[name]}" for name in registry.NAMES if name in runs) or "none"
    return (f"{text[:one.start()]}<!-- decision table: begin, runs {of} -->\n" + "\n".join([head, rule, *lines])
            + f"\n<!-- decision table: end -->{text[one.end():]}")


def with_sections(text: str, found: Mapping[str, Found]) -> str:
    """Return a document with the sections of some questions renewed, see `documenting`."""
    def renewed(match: re.Match) -> str:
        one = found.get(match["name"])
        return section(match["name"], one.module, one.config, one.results) if one else match[0]
    return SECTION.sub(renewed, text)


# --- the gallery ---

def entries(text: str) -> dict[str, str]:
    """Return the entries of a document's gallery by name, in their order, each with its heading."""
    begin, end = _gallery(text)
    return {one["name"]: one[0] for one in ENTRY.finditer(text[begin:end])}


def _gallery(text: str) -> tuple[int, int]:
    if text.count(HEADING) != 1:
        raise StoreError(f"experiments/README.md: got {text.count(HEADING)} galleries, accepted: one, below "
                         f"{HEADING.strip()!r}")
    begin = text.index(HEADING) + len(HEADING)
    after = NEXT.search(text, begin)
    return begin, after.start() if after else len(text)


def own_section(text: str, name: str) -> bool:
    """Whether a question has a section of its own, outside the gallery, under its bare name."""
    begin, end = _gallery(text)
    return bool(re.search(rf"^#+ {name}$", text[:begin] + text[end:], re.MULTILINE | re.IGNORECASE))


def with_gallery(text: str, new: Mapping[str, str]) -> str:
    """Return a document with new entries in its gallery, in the registry's order; none of what has a section of its own."""
    begin, end = _gallery(text)
    all_of_them = {**entries(text), **new}
    body = "".join(all_of_them[name] for name in registry.NAMES if name in all_of_them and not own_section(text, name))
    return f"{text[:begin]}{text[begin:end].partition('### ')[0]}{body}{text[end:]}"


def draw(found: Found, temporary: Path, gallery: Path) -> list[Path]:
    """Draw a question's figures; return the main one, and those that the gallery shows already."""
    main, *others = (path for path in found.module.figures(found.results, temporary) if path.suffix == ".png")
    return [main, *(path for path in others if (gallery / path.name).exists())]


def entry(name: str, found: Found, pictures: Sequence[Path], rows: Sequence[Decision]) -> str:
    """Return an entry of the gallery: picture, how the answer opens, what the decision table rests on, runs and time."""
    about, (main, *others) = registry.entry(name), pictures
    sentences = SENTENCE.split(found.module.answer(found.results))
    said = [sentences[0], *(row.advice.measured for row in rows)] if rows else sentences[:2]
    if others:
        said.append(f"More: {', '.join(f'[{path.stem}](gallery/{path.name})' for path in others)}.")
    seeds = len({row.about["seed"] for row in found.rows})
    said.append(f"{counted(seeds, 'seed')}{' (95 % intervals)' * bool(rows)}, {about.times[1]}.")
    text = textwrap.fill(" ".join(said), 132, break_long_words=False, break_on_hyphens=False)
    return f"### {name}\n\n*{about.question}*\n\n![{ALTS[main.stem].rstrip('.')}](gallery/{main.name})\n\n{text}\n\n"
