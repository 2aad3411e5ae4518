"""What web pages are made of: templates, files that stand inside the page, data that scripts read, and interactive parts.

Jinja2 is imported when a page is made. Nothing from a results store reaches a page unescaped: text goes through templates
that escape, data through `as_json`, and what is written inside <style> and <script> comes from files of this package alone.
"""
import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

# What could end a <script> early, and the two line ends that JSON allows and JavaScript once did not.
ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


@dataclass(frozen=True)
class Part:
    """One interactive part of a page: `afterzero.parts.NAME(root, data)` draws it into its section.

    Attributes
    ----------
    name : str
        Of the function that draws it; also the section's `data-part`.
    title : str
        Its heading.
    html_template : str
        Name of a template in report/web/ that is put below the heading, with the part as `part`; "": nothing.
    scripts, styles : tuple of str
        Names of files in report/web/, in the order in which they are needed; a file that several parts name stands once.
    data : object
        What JSON can hold, without NaN and infinity.
    alt : str
        What is seen, for those who do not see it and for print.
    question : str
        Name of the question below which it stands; "": at the top, below the decision table.
    """

    name: str
    title: str
    html_template: str = ""
    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    data: Any = None
    alt: str = ""
    question: str = ""


class WebError(Exception):
    """A page cannot be made here; the message says why and what to do."""


def web_file(name: str) -> str:
    """Return the text of a file of report/web/."""
    return files("experiments.report").joinpath("web", name).read_text(encoding="utf-8")


def as_json(data: Any) -> str:
    """Return JSON that may stand inside a <script> element: equal data give the same text, whatever the order of keys.

    Raises
    ------
    ValueError, TypeError
        Of what is NaN, infinite, or nothing that JSON knows.
    """
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False).translate(ESCAPES)


def render(template: str, **values: Any) -> str:
    """Return a template of report/web/ filled in, every value escaped.

    Raises
    ------
    WebError
        Where Jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise WebError("jinja2: got no such package, accepted: 3.1 or newer, which makes pages; in a clone, "
                       "pip install -e '.[report]'") from error
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
                                     loader=jinja2.FunctionLoader(web_file), keep_trailing_newline=True)
    environment.filters |= {"json": _script_json, "file": _inlined, "script": _script, "tight": tight, "address": _address,
                            "breaking": _breaking}
    return environment.get_template(template).render(**values)


def tight(text: str) -> str:
    """Return text in which no line ends between a number and its unit or error, before a percent sign, or in "1 → 2"."""
    return re.sub(r"(?<=\d) (?=%|±|points|epochs|seeds|runs|→ \d)|(?<=×) (?=\d)|(?<=\d →) (?=\d)", "\u00a0", text)


def _breaking(name: str) -> Any:
    """A name that may be broken behind its underscores."""
    from markupsafe import Markup, escape

    return Markup(str(escape(name)).replace("_", "_<wbr>"))


def _script_json(data: Any) -> Any:
    from markupsafe import Markup

    return Markup(as_json(data))


def _inlined(name: str) -> Any:
    """A file of report/web/ for inside <style> or <script>."""
    from markupsafe import Markup

    return Markup(_inside(name, web_file(name)))


def _script(text: str) -> Any:
    """The text of a script for inside <script>; only of files of report/web/."""
    from markupsafe import Markup

    return Markup(_inside("script", text))


def _address(text: str) -> Any:
    """The address of a picture for inside an attribute, without the escapes that would make it a fifth longer."""
    from markupsafe import Markup

    if not text.startswith("data:image/") or set('"&') & set(text):
        raise ValueError(f"address: got {text[:40]!r}…, accepted: a picture's, without quotes and ampersands")
    return Markup(text)


def _inside(name: str, text: str) -> str:
    if "</script" in text.lower() or "</style" in text.lower() or "<!--" in text:
        raise ValueError(f"{name}: got what ends a <script> or <style>, accepted: text without it")
    return text


def policy(scripts: Iterable[str]) -> str:
    """Return the content security policy of a page: these inline scripts and no others, pictures in the page, no network."""
    hashes = " ".join(sorted({f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
                              for text in scripts}))
    return (f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
            "base-uri 'none'; form-action 'none'")


def once(names: Iterable[Iterable[str]]) -> list[str]:
    """Return all names, each once, in the order in which they first appear."""
    return list(dict.fromkeys(name for some in names for name in some))


def parts_by_place(parts: Iterable[Part | None]) -> Mapping[str, list[Part]]:
    """Return the parts that there are by the question below which they stand, in their order."""
    found: dict[str, list[Part]] = {}
    for part in parts:
        if part is not None:
            found.setdefault(part.question, []).append(part)
    return found
