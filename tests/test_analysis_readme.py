"""What the room's page shows can be done as it stands there."""

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[1] / "analysis" / "README.md").read_text(encoding="utf-8")


def test_the_blocks_of_the_page_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    names = {}
    for block in blocks:
        exec(compile(block, "analysis/README.md", "exec"), names)
    assert len(blocks) >= 2
    assert (tmp_path / "measured.nc").is_file()
    assert set(names["table"]["learner"].values) == {"conv", "mlp"}


def test_every_file_of_the_page_exists():
    named = set(re.findall(r"`(\w+\.py)`", PAGE))
    here = {path.name for path in Path(__file__).resolve().parents[1].glob("analysis/*.py")}
    assert len(named) > 20
    assert named - here == set()
