"""The one error whose text is written for the person who can mend its cause."""


class UserError(Exception):
    """Something outside the code is wrong; says what, and what to do.

    Parameters
    ----------
    problem
        What is wrong, naming file, sheet, column, row or table.
    remedy
        What to do about it.
    """

    def __init__(self, problem: str, remedy: str = ""):
        super().__init__(f"{problem} {remedy}".strip())
        self.problem = problem
        self.remedy = remedy
