"""Answers written by hand are, byte for byte, what pydicom writes from a data set."""

import pytest
from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence
from pynetdicom.dsutils import encode

from dicomserver.character_sets import CHARACTER_SETS, attribute
from dicomserver.contexts import UNCOMPRESSED
from dicomserver.encoding import Encoder, Items, Layout

ROW = {
    "PatientName": "Łukaszová^Иван=山田^太郎",
    "PatientID": "A-1",
    "StudyInstanceUID": "1.2.3",
    "StudyDescription": "Thorax – Übersicht",
    "ModalitiesInStudy": ["CT", "SR"],
    "SeriesNumber": 12,
    "PatientWeight": 70.5,
    "Rows": 512,
    "SmallestImagePixelValue": -7,
    "StudyComments": "",
    "NameOfPhysiciansReadingStudy": None,
}
WRITTEN_BY_OUR_RULES = {"StudyDescription", "PatientName", "SmallestImagePixelValue"}


def keys(*keywords: str) -> Dataset:
    asked = Dataset()
    for keyword in keywords:
        asked.add(DataElement(keyword, dictionary_VR(keyword), None))
    return asked


def column(name: str):
    return lambda row: row[name]


TABLE = {name: column(name) for name in ROW}


def written(encoder: Encoder, asked: Dataset, table=None) -> bytes:
    layout = Layout(encoder)
    layout.add_character_set()
    layout.add_known(asked, TABLE if table is None else table)
    return layout.encode(ROW)


def by_pydicom(syntax, character_set: str, **values: object) -> bytes:
    dataset = Dataset()
    dataset.SpecificCharacterSet = attribute(character_set)
    for name, value in values.items():
        dataset.add(DataElement(name, dictionary_VR(name), value))
    return encode(dataset, syntax.is_implicit_VR, syntax.is_little_endian)


@pytest.mark.parametrize("syntax", UNCOMPRESSED, ids=["explicit", "implicit", "big endian"])
def test_plain_values_are_written_as_pydicom_writes_them(syntax):
    plain = {name: value for name, value in ROW.items() if name not in WRITTEN_BY_OUR_RULES}

    found = written(Encoder(syntax), keys(*plain))

    assert found == by_pydicom(syntax, "ISO_IR 192", **plain)


@pytest.mark.parametrize("character_set", CHARACTER_SETS)
def test_names_are_written_in_every_character_set(character_set):
    encoder = Encoder(UNCOMPRESSED[0], character_set)

    found = written(encoder, keys("PatientName", "StudyDescription"))

    answer = encoder.decoded(found)
    assert found == by_pydicom(
        UNCOMPRESSED[0],
        character_set,
        PatientName=str(answer.PatientName),
        StudyDescription=answer.StudyDescription,
    )
    assert "\N{REPLACEMENT CHARACTER}" not in f"{answer.PatientName}{answer.StudyDescription}"


@pytest.mark.parametrize("syntax", UNCOMPRESSED, ids=["explicit", "implicit", "big endian"])
def test_sequences_are_written_as_pydicom_writes_them(syntax):
    part = keys("PatientID", "StudyComments")
    asked = keys("PatientSex", "RequestAttributesSequence")
    asked.RequestAttributesSequence = Sequence([part])
    table = TABLE | {"RequestAttributesSequence": Items(lambda row: [row, row], TABLE)}
    item = Dataset()
    item.PatientID, item.StudyComments = "A-1", ""

    found = written(Encoder(syntax), asked, table)

    expected = by_pydicom(
        syntax, "ISO_IR 192", PatientSex=None, RequestAttributesSequence=Sequence([item, item])
    )
    assert found == expected


def test_a_number_that_may_have_a_sign_keeps_it():
    asked = Dataset()
    asked.add_new(0x00280106, "US or SS", None)
    encoder = Encoder(UNCOMPRESSED[1])

    found = written(encoder, asked)

    assert found[-2:] == (-7).to_bytes(2, "little", signed=True)


def test_a_value_that_is_none_of_its_vr_comes_back_empty():
    encoder = Encoder()

    answer = encoder.decoded(written(encoder, keys("Rows"), {"Rows": lambda _row: "many"}))

    assert answer["Rows"].is_empty


def test_a_text_of_one_value_is_clipped_and_has_no_backslash():
    encoder = Encoder()

    answer = encoder.decoded(written(encoder, keys("PatientID"), {"PatientID": lambda _row: "a\\b" * 30}))

    assert answer.PatientID == ("a/b" * 30)[:64]
