"""Work of the background worker in this room."""

from . import commitment, commitment_requests, transfers


def transfer_waiting() -> None:
    """Send and fetch what is due. Queued when somebody asks for it, and every minute."""
    transfers.transfer_waiting()


def answer_commitment(pk: int) -> None:
    """Check the objects that a device asked about, and tell it."""
    commitment.answer_request(pk)


def answer_commitments() -> None:
    """What could not be checked or told at once, every minute."""
    for pk in commitment_requests.due_requests():
        commitment.answer_request(pk)
