"""The blocks of code and the tables that a page shows, and the tests that hold them."""

import ast
import gc
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

    def rows_with_tests(self):
        """The rows of all tables whose last column is called ``test``, each as its cells."""
        found, inside = [], False
        for line in self.text.splitlines():
            inside = line.startswith("|") and (inside or line.endswith("| test |"))
            if inside and line.startswith("| ") and not line.endswith("| test |"):
                found.append(line.strip("| ").split(" | "))
        return found

    def write_files(self, folder):
        """Write the files that the page shows."""
        for name, code in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code, encoding="utf-8")


def defined_in(path):
    """The names of the tests that a file below ``tests/`` defines, also in classes."""
    text = (ROOT / "tests" / path).read_text(encoding="utf-8")
    gc.disable()  # Python 3.11 fails if a finaliser writes a traceback while it parses
    try:
        parsed = ast.parse(text)
    finally:
        gc.enable()
    names = [one.name for one in ast.walk(parsed) if isinstance(one, ast.FunctionDef)]
    return {name for name in names if name.startswith("test_")}
