"""Work of the background worker in this room."""

from . import completeness, ingest, quarantine


def ingest_spool() -> None:
    """File what was received. Queued by the DICOM server as objects arrive, and every minute."""
    ingest.ingest_spool()
    completeness.settle_performed_steps()


def mark_stable_studies() -> None:
    """Studies without a new image for the clinic's quiet time are complete. Woken when one is due."""
    completeness.mark_stable_studies()


def remove_discarded_files() -> None:
    """Files of objects that were discarded longer ago than the clinic keeps them."""
    quarantine.remove_discarded_files()


def settle_performed_steps() -> None:
    """Machines said that they are done: their studies are complete where all images are here."""
    completeness.settle_performed_steps()
