"""What the worker does for the front desk by the clock."""

from clinic.models import User

from . import services


def mark_no_shows() -> None:
    """Days that are over leave no booked appointment behind."""
    services.mark_no_shows(by=User.objects.machine("clock"))
