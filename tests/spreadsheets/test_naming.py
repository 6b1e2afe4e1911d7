"""Names in one cell."""

import pytest

from clinic.spreadsheets.naming import split_name


@pytest.mark.parametrize(
    ("text", "dicom"),
    [
        ("John Smith", "Smith^John"),
        ("SMITH, John A.", "SMITH^John^A."),
        ("Mr. John Smith", "Smith^John^^Mr."),
        ("Dr Mary Ann Jones", "Jones^Mary^Ann^Dr"),
        ("John SMITH", "SMITH^John"),
        ("SMITH John Paul", "SMITH^John^Paul"),
        ("John Smith, Jr.", "Smith^John^^^Jr."),
        ("Nguyễn Văn An", "Nguyễn^An^Văn"),
        ("Ludwig van Beethoven", "van Beethoven^Ludwig"),
        ("Muhammad bin Abdullah", "bin Abdullah^Muhammad"),
        ("María José García", "García^María^José"),
        ("Suharto", "Suharto"),
        ("Don Johnson", "Johnson^Don"),
        ("O'Neil-Smith, Anne", "O'Neil-Smith^Anne"),
        ("  Jane   Roe ", "Roe^Jane"),
        ("王小明", "=王小明"),
        ("山田 太郎", "=山田^太郎"),
    ],
)
def test_names_are_parted_with_care(text: str, dicom: str) -> None:
    assert split_name(text).as_dicom() == dicom


def test_the_family_may_stand_first() -> None:
    assert split_name("Okafor Chidi Paul", order="family").as_dicom() == "Okafor^Chidi^Paul"
