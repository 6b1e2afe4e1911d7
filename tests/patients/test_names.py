from io import BytesIO

import pytest
from pydicom import Dataset, dcmread, dcmwrite

from dicomserver.character_sets import attribute, writable
from patients.names import GROUP_LENGTH, PersonName, clean, fold, latin_words, main_words, name_key


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Müller", "muller"),
        ("Großmann", "grossmann"),
        ("Sørensen", "sorensen"),
        ("Yıldız", "yildiz"),
        ("İpek", "ipek"),
        ("Đức", "duc"),
        ("Łukasz", "lukasz"),
        ("O’Neill", "oneill"),
        ("O'Neill", "oneill"),
        ("Al-Hassan", "al hassan"),
        ("Nguyễn Thị Ánh", "nguyen thi anh"),
        ("Пётр", "петр"),
        ("Σωκράτης", "σωκρατησ"),
        ("أحمد", "احمد"),
        ("يَعقوب", "يعقوب"),
        ("शर्मा", "शर्मा"),
        ("がんだ", "がんだ"),
        ("  Anna   María ", "anna maria"),
    ],
)
def test_fold_takes_accents_and_case_but_no_letters(text, folded):
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Иванова", ["ivanova"]),
        ("Γεώργιος", ["georgios"]),
        ("홍길동", ["honggildong"]),
        ("Þór Ægisson", ["thor", "aegisson"]),
        ("", []),
    ],
)
def test_latin_words_of_other_scripts(text, words):
    assert latin_words(text) == words


def test_name_key_holds_every_part_in_its_own_and_in_latin_letters():
    name = PersonName(family="Иванова", given="Мария", ideographic="山田^太郎")

    assert name_key(name) == " иванова мария 山田 太郎 ivanova mariya shantian tailang"


def test_name_key_never_cuts_a_word():
    name = PersonName(family="Ж" * 64, given=" ".join(["жжж"] * 16), ideographic=" ".join(["хщ"] * 300))

    words = name_key(name).split(" ")

    assert len(name_key(name)) <= 1000
    assert set(words[3:]) <= {"жжж", "хщ", "zhzhzh", "khshch", "zh" * 64}


@pytest.mark.parametrize(
    "value",
    [
        "Silva^Ana^Maria^Dr^III",
        "Silva",
        "^Ana",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "=山田^太郎",
        "Müller^Jürgen^^Dr",
        "O'Brien-Smith^Seán",
    ],
)
def test_a_dicom_name_survives_reading_and_writing(value):
    assert PersonName.from_dicom(value).as_dicom() == value


def test_a_short_or_untidy_dicom_name_is_read():
    assert PersonName.from_dicom(" Silva ^ Ana ^^^=^=") == PersonName(family="Silva", given="Ana")


def test_clean_composes_and_tidies_only():
    assert clean("  de\u0301 Souza\tDIAS ") == "dé Souza DIAS"


def test_main_words_fall_back_to_the_ideographs():
    assert main_words(PersonName(ideographic="山田^太郎")) == ["shantian", "tailang"]
    assert main_words(PersonName(family="Yamada", ideographic="山田")) == ["yamada"]


PEOPLE = [
    PersonName("Ólafsdóttir", "Anna", "María", "Dr", "III"),
    PersonName("O’Neill-Smith", "Siobhán"),
    PersonName("MacDonald", "Seán Óg"),
    PersonName("Núñez Ibáñez", "Íñigo"),
    PersonName("Großmann", "Søren"),
    PersonName("Yıldız", "İpek"),
    PersonName("Nguyễn", "Ánh", "Thị"),
    PersonName("Suharto"),
    PersonName(given="Madonna"),
    PersonName("Иванова", "Мария", "Сергеевна"),
    PersonName("حسینی", "پریسا"),
    PersonName("Yamada", "Tarou", ideographic="山田^太郎", phonetic="やまだ^たろう"),
    PersonName("Hong", "Gildong", ideographic="洪^吉洞", phonetic="홍^길동"),
    PersonName(ideographic="王^小明"),
    PersonName("x" * 40, "y" * 23),
]


@pytest.mark.parametrize("name", PEOPLE, ids=lambda name: name.as_dicom()[:20])
def test_a_name_goes_into_a_dicom_file_and_comes_back_whole(name):
    sent = Dataset()
    sent.SpecificCharacterSet = "ISO_IR 192"
    sent.PatientName = name.as_dicom()
    file = BytesIO()
    dcmwrite(file, sent, implicit_vr=False, little_endian=True)

    received = dcmread(BytesIO(file.getvalue()), force=True)

    assert PersonName.from_dicom(str(received.PatientName)) == name
    assert all(len(group) <= GROUP_LENGTH for group in name.as_dicom().split("="))


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        ("ISO_IR 100", PersonName("Müller-Peña", "Søren")),
        ("ISO_IR 144", PersonName("Иванова", "Мария")),
        ("ISO_IR 148", PersonName("Yıldız", "İpek")),
        (
            "\\ISO 2022 IR 87",
            PersonName("Yamada", "Tarou", ideographic="山田^太郎", phonetic="やまだ^たろう"),
        ),
        ("\\ISO 2022 IR 149", PersonName("Hong", "Gildong", ideographic="洪^吉洞", phonetic="홍^길동")),
        ("GB18030", PersonName("Wang", "XiaoMing", ideographic="王^小明")),
    ],
)
def test_a_device_with_a_set_of_its_own_gets_the_name_whole_where_the_set_holds_it(character_set, name):
    sent = Dataset()
    sent.SpecificCharacterSet = attribute(character_set)
    sent.PatientName = writable(name.as_dicom(), character_set)
    file = BytesIO()
    dcmwrite(file, sent, implicit_vr=False, little_endian=True)

    received = dcmread(BytesIO(file.getvalue()), force=True)

    assert PersonName.from_dicom(str(received.PatientName)) == name
