"""Refusals in words that the user may read. Services raise them; ``clinic.http`` shows them."""


class DomainError(Exception):
    """A rule of the clinic said no. ``str(error)`` is shown to the user as it is."""

    status = 400

    def __init__(self, message: object) -> None:
        super().__init__(message)

    @property
    def message(self) -> str:
        return str(self.args[0])


class InvalidInput(DomainError):
    """Something typed or sent is not acceptable; the text says what was read and what is accepted."""

    status = 400

    def __init__(self, message: object, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotAllowed(DomainError):
    """The person's role does not include this."""

    status = 403


class NotFound(DomainError):
    """The thing does not exist or may not be seen."""

    status = 404


class Conflict(DomainError):
    """Someone or something else got there first; the text says what is true now."""

    status = 409
