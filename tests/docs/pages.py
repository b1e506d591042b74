"""The blocks of code that a page shows."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Page:
    """A page of ``docs/``.

    Attributes
    ----------
    text
        All of it.
    blocks
        Its Python blocks without a file's name, from top to bottom.
    files
        By name, the blocks whose first line is a comment with the name of a file.
    commands
        The lines of blocks without a language.
    """

    def __init__(self, name):
        self.text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        self.blocks, self.files, self.commands = [], {}, []
        for language, code in re.findall(r"```(\w*)\n(.*?)```", self.text, re.DOTALL):
            named = re.match(r"# ([\w/.-]+\.(?:py|yaml|toml))\n", code)
            if named:
                self.files[named[1]] = code
            elif language == "python":
                self.blocks.append(code)
            elif not language:
                self.commands += code.splitlines()

    def write_files(self, folder):
        """Write the files that the page shows."""
        for name, code in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code, encoding="utf-8")
