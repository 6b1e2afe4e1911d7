import pytest

from patients.names import PersonName, clean, fold, latin_words, main_words, name_key


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
