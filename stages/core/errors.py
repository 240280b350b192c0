"""The one exception that a user is meant to read."""


class UserError(Exception):
    """A problem the user can mend: bad parameter, missing file, no network, full disk.

    The message is one line that names the key or file, its value, and what is allowed.
    The command line prints it without a traceback and exits with status 1.
    """
