"""Rich text in pages: cleaned again each time it is shown."""

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator

from ..richtext import clean_html, plain_text

register = template.Library()


@register.filter
def clean_rich_text(html: str) -> SafeString:
    """Only what the editor offers, whatever the database holds."""
    return mark_safe(clean_html(html))  # noqa: S308


@register.filter
def rich_text_words(html: str, count: int) -> str:
    """The first words as plain text; the template escapes them."""
    return Truncator(plain_text(clean_html(html or ""))).words(count)
