"""One page that shows every answer."""
from collections.abc import Sequence

from markupsafe import Markup

from .web_parts import Part, once, policy, render, web_file


def page(title: str, parts: Sequence[Part]) -> str:
    """Return a page as HTML that needs nothing else: no other file, no network."""
    scripts = [web_file(name) for name in once([*(part.scripts for part in parts), ["page.js"]])]
    styles = once([["base.css"], *(part.styles for part in parts), ["page.css"]])
    return render("page.html", title=title, parts=parts, styles=styles, scripts=[Markup(text) for text in scripts],
                  policy=policy(scripts))
