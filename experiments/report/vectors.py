"""SVG of Matplotlib made small, and one file of two that differ in their colours: the reader's setting chooses."""
import base64
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
NUMBER = re.compile(r"-?\d+\.\d{2,}")
ROUNDED = ("d", "x", "y", "width", "height", "points")
SPECIAL = '%#"&\\^`|'


def small(svg: str) -> ET.Element:
    """Return an SVG of Matplotlib without what nobody sees: comments, groups and names without a use, decimals beyond a
    hundredth of a point. Names are numbers in the order of their use, so that the same figure is the same text.
    """
    root = ET.fromstring(svg)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    _without(root, f"{SVG}metadata")
    names: dict[str, str] = {}
    for one in root.iter():
        if LINK in one.attrib:
            target = one.attrib.pop(LINK)
            one.set("href", target if target.startswith("data:") else f"#{_short(names, target[1:])}")
        if "clip-path" in one.attrib:
            one.set("clip-path", f"url(#{_short(names, one.attrib['clip-path'][5:-1])})")
    for one in root.iter():
        name = one.attrib.pop("id", "")
        if name in names:
            one.set("id", names[name])
        for key in ROUNDED:
            if key in one.attrib:
                one.set(key, _numbers(one.attrib[key]))
        if "transform" in one.attrib:
            one.set("transform", re.sub(r"translate\([^)]*\)", lambda found: _numbers(found[0]), one.attrib["transform"]))
        if style := one.attrib.pop("style", ""):
            one.set("style", ";".join(re.sub(r"\s*:\s*", ":", part.strip()) for part in style.split(";") if part.strip()))
        one.text = one.text if one.tag == f"{SVG}style" else None
        one.tail = None
    _unwrapped(root)
    return root


def _short(names: dict[str, str], name: str) -> str:
    return names.setdefault(name, f"i{len(names)}")


def _numbers(text: str) -> str:
    text = NUMBER.sub(lambda found: f"{round(float(found[0]), 2):.12g}", " ".join(text.split()))
    return re.sub(r" ?([A-Za-z]) ?", r"\1", text) if text[:1] == "M" else text


def _without(root: ET.Element, tag: str) -> None:
    for one in list(root.iter()):
        for child in one.findall(tag):
            one.remove(child)


def _unwrapped(one: ET.Element) -> None:
    """Put the children of groups that say nothing into the group's place."""
    for child in one:
        _unwrapped(child)
    children = [inner for child in one for inner in (child if child.tag == f"{SVG}g" and not child.attrib else [child])]
    one[:] = children


def both(light: ET.Element, dark: ET.Element) -> str | None:
    """Return one SVG for two that differ in styles alone, which become classes; None for others."""
    names: dict[tuple[str, str], str] = {}
    pairs = list(_pairs(light, dark))
    if any(b is None for _, b in pairs):
        return None
    for one, other in pairs:
        styles = one.attrib.pop("style", ""), (other if other is not None else one).attrib.pop("style", "")
        if styles != ("", ""):
            one.set("class", names.setdefault(styles, f"s{len(names)}"))
    css = "".join(f".{name}{{{style}}}" for (style, _), name in names.items())
    turned = "".join(f".{name}{{{_changed(style, other)}}}" for (style, other), name in names.items() if style != other)
    head = ET.Element(f"{SVG}style")
    head.text = f"{css}@media (prefers-color-scheme:dark){{{turned}}}"
    light.insert(0, head)
    return text_of(light)


def _pairs(one: ET.Element, other: ET.Element) -> Iterator[tuple[ET.Element, ET.Element | None]]:
    """Both trees side by side; None where the second one is another."""
    def rest(element: ET.Element) -> dict:
        return {name: value for name, value in element.attrib.items() if name != "style"}
    if one.tag != other.tag or len(one) != len(other) or rest(one) != rest(other) or one.text != other.text:
        yield one, None
        return
    yield one, other
    for child, twin in zip(one, other, strict=True):
        yield from _pairs(child, twin)


def _changed(style: str, other: str) -> str:
    """What a dark style says otherwise; what it does not say at all is Matplotlib's default, black."""
    before = set(style.split(";"))
    return ";".join(one for one in other.split(";") if one not in before) or "fill:#000000"


def text_of(root: ET.Element) -> str:
    """Return an SVG as text."""
    ET.register_namespace("", SVG[1:-1])
    return ET.tostring(root, encoding="unicode")


def address(svg: str) -> str:
    """Return an SVG as an address for `src`: what would end the address, or the attribute that holds it, is written in
    hexadecimal digits; blanks stay, which makes it a third shorter than base64.
    """
    return "data:image/svg+xml," + "".join(f"%{ord(sign):02X}" if sign in SPECIAL else sign
                                           for sign in svg.replace('"', "'"))


def packed(svg: str) -> str:
    """The same for `srcset`, where a blank or a comma would end it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
