"""The arguments of `fit` and `fit_fleet`, the fields of Settings and the docstrings of all agree."""
import dataclasses
import inspect
import re

import pytest

import nn.fitting.fit
import nn.fleet.fit_fleet
from nn import adaptive_levels, elsewhere, fit, fit_fleet
from nn.fitting.settings import Settings

FIELDS = {field.name for field in dataclasses.fields(Settings)}
NO_SETTINGS = {"model", "x", "y", "lengths", "validation", "test", "progress"}
ONE_RUN = {"checkpoint", "threads", "resume"}  # what a fleet has no argument for
FLEET = {"members", "workers", "max_memory", "on_member"}


def arguments(function):
    return inspect.signature(function).parameters


def documented(function):
    """Return dict name -> (what stands behind the colon, the lines below) of a docstring's parameters, in order."""
    text = inspect.getdoc(function).split("Parameters\n----------\n")[1].split("\n\nReturns\n-------")[0]
    found = {}
    for names, kind, below in re.findall(r"^(\S[^:\n]*?)(?: : (.*))?$((?:\n(?: .*)?$)*)", text, re.MULTILINE):
        found |= {name.strip("* "): (kind, below.strip()) for name in names.split(",")}
    return found


def as_fit(kind, below):
    """Return whether a parameter's text refers to `fit`."""
    return re.search(r"\b[Aa]s `fit` takes (it|them)\b", f"{kind} {below}") is not None


def test_settings_are_the_arguments_of_fit():
    assert arguments(fit).keys() == FIELDS | NO_SETTINGS
    assert not FIELDS & NO_SETTINGS


def test_fit_fleet_takes_what_fit_takes():
    own, lone = arguments(fit_fleet), arguments(fit)
    assert own.keys() == (lone.keys() | FLEET) - ONE_RUN
    for name in own.keys() & lone.keys():
        assert (own[name].kind, own[name].default) == (lone[name].kind, lone[name].default), name
    assert [name for name in own if name in lone] == [name for name in lone if name in own]


@pytest.mark.parametrize("function", [fit, fit_fleet, adaptive_levels])
def test_docstrings_name_every_argument(function):
    assert documented(function).keys() == arguments(function).keys()
    if function is fit:  # the one to look something up in: in the order of the call
        assert list(documented(fit)) == list(arguments(fit))


def test_docstrings_explain_in_one_place():
    referring = {function: {name for name, text in documented(function).items() if as_fit(*text)}
                 for function in (fit, fit_fleet, adaptive_levels)}
    assert not referring[fit]
    assert referring[fit_fleet] == arguments(fit_fleet).keys() - FLEET - {"model", "validation", "test", "progress"}
    assert referring[adaptive_levels] == {"x", "y", "lengths", "optimizer", "epochs", "options"}


class Handed(Exception):
    """Carries the Settings out of a function that has got as far as using them."""


def handed(function, monkeypatch, module, name):
    """Return {argument: a value told apart by identity} and the Settings that the function makes of them."""
    def caught(*args):
        raise Handed(next(arg for arg in args if isinstance(arg, Settings)))
    monkeypatch.setattr(module, name, caught)
    values = {argument: object() for argument in arguments(function)}
    with pytest.raises(Handed) as error:
        function(**values)
    return values, vars(error.value.args[0])


def test_every_argument_arrives(monkeypatch):
    values, settings = handed(fit, monkeypatch, nn.fitting.fit, "TrainingRun")
    assert settings == {name: values[name] for name in FIELDS}
    values, settings = handed(fit_fleet, monkeypatch, nn.fleet.fit_fleet, "check_kinds")
    fixed = {"checkpoint": None, "threads": 1, "resume": None}
    assert settings == {name: values[name] for name in FIELDS - ONE_RUN} | fixed


def test_no_hint_of_fit_fleet_sends_to_an_argument_of_fit_alone():
    for word, hint in elsewhere.FLEET.items():
        offered = re.findall(r"\b(\w+)=", re.sub(r"\bfit\([^()]*(\([^()]*\)[^()]*)*\)", "", hint))
        assert not ONE_RUN & set(offered), (word, hint)
