"""What the administrator enters about a device."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .character_sets import CHARACTER_SETS
from .models import RemoteAE, ServerSettings


class AddressListField(forms.CharField):
    """IP addresses and networks, parted by commas or blanks."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [part for part in re.split(r"[\s,;]+", super().to_python(value) or "") if part]


class NodeForm(forms.ModelForm):
    allowed_addresses = AddressListField(
        label=_("May call from"),
        required=False,
        help_text=_("IP addresses or networks, as 192.168.1.20 or 192.168.1.0/24. Empty: from anywhere."),
    )
    character_set = forms.ChoiceField(
        label=_("Character set"),
        choices=list(CHARACTER_SETS.items()),
        help_text=_("In which the worklist is written for it. Unicode, unless the device shows odd letters."),
    )
    host = forms.CharField(
        label=_("Address"),
        max_length=255,
        required=False,
        help_text=_("IP address or name. Empty: the one from which it called last."),
    )
    port = forms.IntegerField(
        label=_("Port"), min_value=1, max_value=65535, required=False, help_text=_("Often 104 or 11112.")
    )

    trusted_certificate = forms.CharField(
        label=_("Its certificate"),
        required=False,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_(
            "The text of the device's certificate, or of the authority that issued it, from -----BEGIN "
            "CERTIFICATE----- on. On the page “Connect” Cedar can ask the device for it."
        ),
    )

    class Meta:
        model = RemoteAE
        fields = (
            "description",
            "host",
            "port",
            "allowed_addresses",
            "character_set",
            "uses_tls",
            "trusted_certificate",
            "fetches_with_get",
        )


class NewNodeForm(NodeForm):
    class Meta(NodeForm.Meta):
        fields = ("ae_title", *NodeForm.Meta.fields)  # type: ignore[assignment]


class ReachForm(forms.ModelForm):
    """Where a device is called: what the page that connects it asks for."""

    host = NodeForm.base_fields["host"]
    port = NodeForm.base_fields["port"]

    class Meta:
        model = RemoteAE
        fields = ("host", "port", "uses_tls")


class SettingsForm(forms.ModelForm):
    class Meta:
        model = ServerSettings
        fields = ("private_classes",)
