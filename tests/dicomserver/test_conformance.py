"""The conformance statement says what the server offers, no more and no less."""

import re
import ssl

import pytest
from django.conf import settings
from pydicom.uid import UID

from dicomserver import certificates
from dicomserver.contexts import STORAGE_CLASSES, STORAGE_TRANSFER_SYNTAXES, supported_contexts
from dicomserver.tls import server_context
from imaging import spool

STATEMENT = (settings.BASE_DIR / "docs" / "dicom.md").read_text()


def rows_of(heading: str) -> list[list[str]]:
    """The cells of the table under ``heading``, without its head."""
    section = STATEMENT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_transfer_syntaxes_stand_in_the_order_in_which_they_are_chosen():
    assert [row[1] for row in rows_of("Transfer syntaxes of storage")] == STORAGE_TRANSFER_SYNTAXES


@pytest.mark.parametrize("heading", ["Transfer syntaxes of storage", "SOP classes of storage"])
def test_names_belong_to_their_uids(heading):
    assert [name for name, uid in rows_of(heading)] == [UID(uid).name for _name, uid in rows_of(heading)]


def test_the_storage_classes_are_those_offered():
    assert {row[1] for row in rows_of("SOP classes of storage")} == STORAGE_CLASSES


def test_the_other_services_are_those_offered():
    offered = {str(context.abstract_syntax) for context in supported_contexts()} - STORAGE_CLASSES

    assert {row[3] for row in rows_of("Services") if row[3]} == offered


def test_our_own_uid_and_version_are_those_sent():
    values = dict(row[:2] for row in rows_of("Associations"))

    assert values["implementation class UID"] == spool.IMPLEMENTATION_CLASS_UID
    assert values["implementation version"] == f"`{spool.IMPLEMENTATION_VERSION}`"


def test_the_limits_are_the_defaults():
    values = dict(row[:2] for row in rows_of("Associations"))
    numbers = {
        name: int(re.match(r"[\d,]+", text)[0].replace(",", ""))
        for name, text in values.items()
        if text[0].isdigit()
    }

    assert (numbers["port"], numbers["port with TLS"]) == (settings.DICOM_PORT, settings.DICOM_TLS_PORT)
    assert numbers["largest PDU we receive"] == settings.DICOM_MAX_PDU
    assert numbers["associations at once"] == settings.DICOM_MAX_ASSOCIATIONS
    assert numbers["connections from one address"] == settings.DICOM_CONNECTIONS_PER_ADDRESS
    assert numbers["time for the association request (ARTIM)"] == settings.DICOM_ARTIM_SECONDS
    assert numbers["idle time, and time for one PDU"] == settings.DICOM_IDLE_SECONDS


def test_the_settings_of_encryption_are_those_there_are():
    names = {
        name for row in rows_of("Encrypted connections (TLS)") for name in re.findall(r"CEDAR_\w+", row[0])
    }

    source = (settings.BASE_DIR / "clinic" / "settings.py").read_text()
    assert names == set(re.findall(r"CEDAR_DICOM_TLS_\w+", source))


def test_the_protocol_and_ciphers_of_encryption_are_those_named(data_folder, monkeypatch):
    monkeypatch.setattr(certificates, "_KEY_BITS", 2048)

    context = server_context()

    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    spoken = [cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] == "TLSv1.2"]
    assert {name.split("-")[0] for name in spoken} == {"ECDHE"}
    assert all("GCM" in name or "CHACHA20" in name for name in spoken)
