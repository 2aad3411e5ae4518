"""The loop in plain PyTorch that stopping/README.md shows, as it stands."""
import re
from pathlib import Path

import pytest

from tests.integrations.frameworks import require

require("torch")
import torch  # noqa: E402

pytestmark = pytest.mark.slow


def test_the_loop_of_the_readme_stops_with_the_best_weights():
    page = Path(__file__).parents[2] / "stopping" / "README.md"
    [code] = re.findall(r"^```py\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    session = {}
    torch.manual_seed(0)
    exec(code, session)
    with torch.no_grad():
        loss = session["cross_entropy"](session["net"](session["x"][100:]), session["y"][100:])
    criterion = session["watcher"].criterion
    assert session["epoch"] + 1 == criterion.stopped_step < 1000
    assert float(loss) == pytest.approx(criterion.best_value, rel=1e-5)
