"""The one exception that stands for a mistake of the user's."""


class UserError(Exception):
    """Something the user handed in cannot be used.

    The message is one line that says what is wrong and what to do about it;
    the command line prints it on stderr and exits with status 2.
    """


class Diverged(UserError):
    """Training has come to numbers that are none, or no better than guessing."""

    def __init__(self) -> None:
        super().__init__("training has diverged: lower learning_rate")
