"""Every icon that a page names is in the sprite that set-up makes."""

import re

from django.conf import settings

from clinic.home import NAVIGATION

USED = re.compile(r"""\{%\s*icon\s+["']([\w-]+)["']""")


def test_every_used_icon_is_listed():
    listed = set((settings.BASE_DIR / "clinic" / "assets" / "icons.txt").read_text().split())
    used = {item.icon for item in NAVIGATION}
    for page in (settings.BASE_DIR / "templates").rglob("*.html"):
        used |= set(USED.findall(page.read_text()))

    assert used - listed == set()
