"""`spcl.curriculum` imports nothing else of the project."""

import subprocess
import sys


def test_the_package_imports_torch_and_nothing_else_of_the_project():
    code = (
        "import sys, spcl.curriculum; spcl.curriculum.SelfPacedCurriculum\n"
        "print([m for m in sys.modules if m.split('.')[0] == 'spcl'"
        " and not m.startswith('spcl.curriculum')])\n"
        "print(any(m in sys.modules for m in ('pandas', 'pyarrow', 'snakemake', 'sklearn')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['spcl']", "False"]
