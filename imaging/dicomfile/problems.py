"""Why an object cannot be read, as codes; ``imaging.reasons`` has the words."""


class Unreadable(Exception):
    """The object cannot be filed: it goes to quarantine."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class NoPicture(Exception):
    """The object is sound as far as it is read, but no picture can be made of it."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
