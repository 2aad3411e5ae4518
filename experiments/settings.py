"""Checks of an experiment's settings."""
from collections.abc import Callable


def requirement(config) -> Callable[[bool, str, str], None]:
    """Return a function need(good, name, accepted) for the settings of one experiment.

    Parameters
    ----------
    config : dataclass
        Of the settings.

    Returns
    -------
    callable
        It raises ValueError unless `good`, with the name of the setting, its value and what is accepted.
    """
    def need(good: bool, name: str, accepted: str) -> None:
        if not good:
            raise ValueError(f"{name} is {getattr(config, name)!r}; accepted: {accepted}")
    return need
