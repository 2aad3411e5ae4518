"""Print the lower bound of every dependency in setup.cfg as NAME==VERSION, for `pip install --constraint`."""
import configparser
import re
from pathlib import Path


def lower_bounds(text):
    """Return the pins; raise ValueError for a requirement that states no lower bound."""
    settings = configparser.ConfigParser()
    settings.read_string(text)
    pins = []
    for line in settings["options"]["install_requires"].splitlines():
        requirement = line.partition("#")[0].strip()
        if requirement:
            found = re.fullmatch(r"([\w.-]+)>=([\d.]+)", requirement)
            if found is None:
                raise ValueError(f"install_requires: got {requirement!r}, accepted: NAME>=VERSION")
            pins.append(f"{found[1]}=={found[2]}")
    return pins


if __name__ == "__main__":
    print("\n".join(lower_bounds((Path(__file__).parents[1] / "setup.cfg").read_text(encoding="utf-8"))))
