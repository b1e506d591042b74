"""The one kind of error that is meant for the user's eyes."""


class UserError(Exception):
    """A fault that the user can mend.

    The message is one line: it starts with the file or the config key at fault and ends with the
    remedy, for example ``data/meld: no such folder; put MELD.Raw there or set datasets.meld.path``.
    Whoever runs a rule prints it without a traceback (`spcl.job`).
    """
