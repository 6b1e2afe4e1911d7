"""What every room uses: the people who work here and the clinic itself."""

from typing import Self, cast

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .permissions import MACHINE_PERMISSIONS, Permission, Role, permissions_of


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, password: str | None = None, **fields: object) -> "User":
        user = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: object) -> "User":
        """Django's ``createsuperuser``: here an administrator."""
        fields.setdefault("full_name", username)
        return self.create_user(username, password, roles=[Role.ADMINISTRATOR], **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username=username)

    def machine(self, name: str) -> "User":
        """The user under whose name a machine acts (``dicom``, ``worker``), made at first use."""
        user, _made = self.get_or_create(
            username=f"machine-{name}",
            defaults={"full_name": f"Cedar {name}", "is_machine": True, "password": "!"},
        )
        return user

    def people(self) -> models.QuerySet["User"]:
        return self.filter(is_machine=False)


class User(AbstractBaseUser):
    """Somebody who works in the clinic, or a machine of it. Roles give permissions (``permissions.py``)."""

    username = models.CharField(
        _("user name"),
        max_length=150,
        unique=True,
        validators=[RegexValidator(r"^[\w.@-]+$", _("Letters, digits and . @ - _ only."))],
    )
    full_name = models.CharField(
        _("full name"), max_length=200, help_text=_("As printed under a signed report.")
    )
    title = models.CharField(_("professional title"), max_length=100, blank=True)
    roles = ArrayField(
        models.CharField(max_length=20, choices=Role.choices),
        verbose_name=_("roles"),
        default=list,
        blank=True,
    )
    email = models.EmailField(_("e-mail"), blank=True)
    is_active = models.BooleanField(_("may sign in"), default=True)
    is_machine = models.BooleanField(_("is a machine"), default=False, editable=False)
    date_joined = models.DateTimeField(_("since"), auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["full_name"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(
                condition=Q(is_machine=False) | Q(roles=[]), name="user_machine_has_no_role"
            )
        ]

    def __str__(self) -> str:
        return self.full_name or self.username

    def get_full_name(self) -> str:
        return self.full_name

    def can(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def permissions(self) -> frozenset[Permission]:
        """Everything that this user may do now."""
        if not self.is_active:
            return frozenset()
        return MACHINE_PERMISSIONS if self.is_machine else permissions_of(self.roles)

    @property
    def is_staff(self) -> bool:
        """Who may open the admin: Django asks for this name."""
        return self.can(Permission.CONFIGURE)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff


class ClinicProfile(models.Model):
    """The clinic: one row, edited in the admin."""

    name = models.CharField(_("name"), max_length=200, default="My clinic")
    address = models.TextField(_("address"), blank=True, help_text=_("Printed under the name on reports."))
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    logo = models.ImageField(_("logo"), upload_to="clinic", blank=True)
    time_zone = models.CharField(_("time zone"), max_length=60, default="UTC")
    country = models.CharField(
        _("country"), max_length=2, default="GB", help_text=_("Two letters; completes local phone numbers.")
    )
    mrn_pattern = models.CharField(
        _("patient number pattern"),
        max_length=40,
        default="CVC-0001",
        validators=[
            RegexValidator(r"^[A-Za-z0-9 ./-]*\d{2,}$", _("Letters, then the first number, as in CVC-0001."))
        ],
        help_text=_("As in CVC-0001: the digits at the end count up."),
    )
    accession_pattern = models.CharField(
        _("accession number pattern"),
        max_length=12,
        default="A000001",
        validators=[
            RegexValidator(r"^[A-Za-z0-9-]*\d{2,}$", _("Letters, then the first number, as in A000001."))
        ],
        help_text=_("As in A000001: the digits at the end count up. At most 16 characters in all."),
    )
    day_first = models.BooleanField(_("dates are written day first (25/02/2025)"), default=True)
    quiet_seconds = models.PositiveIntegerField(
        _("study complete after (seconds)"), default=30, help_text=_("Without a new image for this long.")
    )

    class Meta:
        verbose_name = _("clinic")
        verbose_name_plural = _("clinic")
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="clinic_is_one_row")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def get(cls) -> Self:
        return cast(Self, cls._default_manager.get_or_create(pk=1)[0])
