"""The one error whose text is written for the person who can mend its cause."""


class UserError(Exception):
    """Something outside the code is wrong: the problem, and as its remedy what to do about it.

    The problem names file, sheet, column, row or table.
    """

    def __init__(self, problem: str, remedy: str = ""):
        super().__init__(f"{problem} {remedy}".strip())
        self.problem = problem
        self.remedy = remedy
