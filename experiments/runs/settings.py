"""Checks of an experiment's settings."""
from collections.abc import Callable, Collection


class SettingError(ValueError):
    """A setting that shows to be wrong only when it is used, such as a folder that lacks files; the message says which."""


def requirement(config, error: type[ValueError] = ValueError) -> Callable[[bool, str, str], None]:
    """Return a function need(good, name, accepted) for the settings of one experiment.

    Parameters
    ----------
    config : dataclass
        Of the settings.
    error : type
        What it raises.

    Returns
    -------
    callable
        It raises `error` unless `good`, with the name of the setting, its value and what is accepted.
    """
    def need(good: bool, name: str, accepted: str) -> None:
        if not good:
            raise error(f"{name} is {getattr(config, name)!r}; accepted: {accepted}")
    return need


def one_of(name: str, value, accepted: Collection | None) -> None:
    """Raise ValueError unless a value is among those accepted; None accepts all."""
    if accepted is not None and value not in accepted:
        raise ValueError(f"{name}: got {value!r}, accepted: {', '.join(map(repr, accepted))}")
