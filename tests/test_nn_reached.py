"""Which modules a hash of code covers: imports of every kind are followed, and what is left out is said."""
import pytest

from nn.shared.meaning import meaning_of
from nn.shared.reached import ROOT, reached, read_below, version_of

SOURCES = {
    "a/__init__.py": "from .public import f\nfrom . import both\nsettings()\n",
    "a/public.py": "import b.deep\n",
    "a/both.py": "",
    "a/shared/__init__.py": "from .heavy import g\n",
    "a/shared/heavy.py": "",
    "a/shared/light.py": "from . import light\nfrom .. import both\n",  # a circle
    "a/user.py": "def f():\n    if x:\n        from .shared import light\n",
    "a/taker.py": "from .shared import g\n",
    "a/outsider.py": "import numpy.linalg\nfrom scipy import special\nimport c\n",
    "b/__init__.py": "from . import top\n",
    "b/top.py": "",
    "b/deep.py": "",
    "b/other.py": "import a.shared.light as light\n",
    "c.py": "from a.shared.light import anything\n",
    "bare/one.py": "from .two import x\n",
    "bare/two.py": "x = 1\n",
}


def read(path):
    return SOURCES[path].encode() if path in SOURCES else None


def names(*modules, packages=("a", "b", "bare"), **options):
    return set(reached(modules, packages=packages, read=read, **options))


@pytest.mark.parametrize(("module", "expected"), [
    ("a.public", "a a.public b b.deep b.top"),  # `import b.deep` binds b, so that b's own imports count
    ("b.other", "a a.both a.public a.shared a.shared.light b b.deep b.other b.top"),  # both stands in a's file: a is read
    ("a.user", "a a.both a.public a.shared a.shared.light a.user b b.deep b.top"),
    ("a.taker", "a a.shared a.shared.heavy a.taker"),  # the name is the package's: what its file imports counts
    ("a.outsider", "a a.outsider"),
    ("a", "a a.both a.public b b.deep b.top"),
    ("bare.one", "bare.one bare.two"),
])
def test_imports_are_followed(module, expected):
    assert names(module) == set(expected.split())


def test_packages_above_count_with_their_own_statements():
    found = reached(["a.taker"], packages=["a"], read=read)
    meaning = meaning_of(SOURCES["a/__init__.py"].encode(), True)
    assert found["a"] == meaning.own_digest != meaning.digest
    assert reached(["a"], packages=["a"], read=read)["a"] == meaning.digest


def test_what_is_left_out_is_neither_counted_nor_followed():
    assert names("a.user", without=["a.shared"]) == {"a", "a.user"}
    assert names("a.user", without=["a.both", "a.public"]) == {"a", "a.shared", "a.shared.light", "a.user"}
    assert names("a.user", without=["a.use"]) == names("a.user")  # names, not beginnings of names


def test_other_packages_are_followed_when_they_are_named():
    assert names("a.outsider", packages=["a", "c"]) >= {"c", "a.shared.light"}
    assert names("c", packages=["c"]) == {"c"}


def test_a_module_that_is_not_there():
    with pytest.raises(ModuleNotFoundError, match=r"modules: got 'a.missing', accepted: "):
        version_of(["a.missing"], packages=["a"], read=read)


def test_names_and_contents_decide_the_hash(monkeypatch):
    before = version_of(["a.user"], packages=["a"], read=read)
    assert version_of(["a.user"], packages=["a"], read=read) == before and len(before) == 16
    monkeypatch.setitem(SOURCES, "a/shared/light.py", SOURCES["a/shared/light.py"] + "# new\n")
    assert version_of(["a.user"], packages=["a"], read=read) == before
    monkeypatch.setitem(SOURCES, "a/shared/light.py", SOURCES["a/shared/light.py"] + "x = 1\n")
    assert version_of(["a.user"], packages=["a"], read=read) != before


def test_sources_are_read_below_a_folder():
    assert read_below(ROOT)("nn/shared/reached.py") == (ROOT / "nn" / "shared" / "reached.py").read_bytes()
    assert read_below(ROOT)("nn/shared/missing.py") is None and read_below(ROOT)("nn/model.py/x.py") is None
