"""What every rule's script does around its work: a log file, one-line errors, thread limits."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spcl.errors import UserError

HEADLINE = 25
"""Log level of the few lines that a user wants on the terminal too: above INFO, below WARNING."""


@contextmanager
def job(log_path: str | Path) -> Iterator[logging.Logger]:
    """Run one rule's work with its log; end the process with status 1 and one line if it fails.

    Everything from INFO on goes to `log_path`, the tracebacks of unforeseen errors included.
    The terminal gets lines at `HEADLINE` and above.

    Parameters
    ----------
    log_path
        The rule's log file; its folder is created.

    Yields
    ------
    logging.Logger
        The logger ``spcl``. Library modules log to its children.
    """
    log_path = Path(log_path)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger("spcl")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    to_file = logging.FileHandler(log_path, mode="w", encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setLevel(HEADLINE)
    to_terminal.setFormatter(logging.Formatter("%(message)s"))
    logging.addLevelName(HEADLINE, "INFO")
    logger.handlers = [to_file, to_terminal]
    try:
        yield logger
    except UserError as error:
        logger.error("error: %s", error)
        sys.exit(1)
    except Exception as error:
        logger.info(traceback.format_exc())
        logger.error("error: %s: %s (traceback in %s)", type(error).__name__, error, log_path)
        sys.exit(1)
    finally:
        to_file.close()
        logger.handlers = []
