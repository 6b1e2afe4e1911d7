"""What the administrator enters about a device."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .character_sets import CHARACTER_SETS
from .models import RemoteAE


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

    class Meta:
        model = RemoteAE
        fields = ("description", "host", "port", "allowed_addresses", "character_set")


class NewNodeForm(NodeForm):
    class Meta:
        model = RemoteAE
        fields = ("ae_title", "description", "host", "port", "allowed_addresses", "character_set")
