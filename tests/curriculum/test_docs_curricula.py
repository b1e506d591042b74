"""Names, settings and defaults in `docs/curricula.md` agree with the code."""

import inspect
import re
from pathlib import Path

import pytest
import yaml
from made_training import BALANCING, SETTINGS

from spcl.curriculum import build
from spcl.curriculum.combined import Combined

PAGE = Path(__file__).parents[2].joinpath("docs", "curricula.md").read_text(encoding="utf-8")
FOLDER = Path(inspect.getfile(build)).parent


def test_the_page_has_every_curriculum():
    ours = {path.stem for path in FOLDER.rglob("*.py") if "\nCURRICULUM = " in path.read_text()}
    assert ours == {*SETTINGS, *BALANCING}
    assert ours == set(re.findall(r"^\| `(\w+)` \|.*\|.*\|.*\|", PAGE, re.MULTILINE)) & ours


@pytest.mark.parametrize("name", [*SETTINGS, *BALANCING])
def test_the_table_gives_its_settings_and_their_defaults(name):
    # Other tables of the page have numbers in this column.
    rows = rf"^\| `{name}` \|.*\|.*\| ((?:`|none).*) \|.*\|$"
    (row,) = re.findall(rows, PAGE, re.MULTILINE)
    known = inspect.signature(type(build(name, **SETTINGS.get(name, {})))).parameters.values()
    empty = (inspect.Parameter.empty, None)
    settings = [
        f"`{one.name}`" if one.default in empty else f"`{one.name}` (`{one.default}`)"
        for one in known
    ]
    assert row == (", ".join(settings) or "none")


def test_the_snippets_are_settings_that_exist():
    snippets = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    assert len(snippets) == 9
    for snippet in snippets:
        for name, entry in snippet["curricula"].items():
            source = entry.get("source", name)
            if "combine" in entry:
                parts = {part: snippet["curricula"][part] for part in entry["combine"]}
                Combined(*(build(part, **one["settings"]) for part, one in parts.items()))
            else:
                build(source.rpartition(".")[2], **entry.get("settings", {}))
