"""Headings: where they are, what they mean, and what is said when one is missing."""

from pathlib import Path

import pytest
from openpyxl import Workbook

from clinic.errors import InvalidInput
from clinic.spreadsheets.columns import IGNORED, Layout, find_layout, read_map, require_columns
from clinic.spreadsheets.fields import VISIT_FIELDS
from clinic.spreadsheets.tables import open_table


def layout_of(tmp_path: Path, *rows: list[object], **options: object) -> Layout:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    path = tmp_path / "list.xlsx"
    book.save(path)
    return find_layout(open_table(path), VISIT_FIELDS, **options)


@pytest.mark.parametrize(
    "headings",
    [
        ["Patient ID", "Date", "Name", "Age", "Reason for Exam", "Findings", "Billing Status"],
        ["MRN", "Visit date", "PATIENT NAME", "Edad", "Motivo", "Hallazgos", "Estado de pago"],
        ["N° dossier", "Date d'examen", "Nom et prénom", "Âge", "Motif", "Compte-rendu", "Paiement"],
        [
            "Patienten-Nr.",
            "Untersuchungsdatum",
            "Patientenname",
            "Alter",
            "Fragestellung",
            "Befund",
            "Bezahlt",
        ],
        ["Mã BN", "Ngày khám", "Họ và tên", "Tuổi", "Lý do", "Kết quả", "Thanh toán"],
        ["Номер карты", "Дата", "ФИО", "Возраст", "Показания", "Заключение", "Оплата"],
        ["病历号", "日期", "姓名", "年龄", "检查原因", "报告", "付款状态"],
    ],
)
def test_headings_are_known_in_several_languages(tmp_path: Path, headings: list[str]) -> None:
    layout = layout_of(tmp_path, headings, ["x"] * 7)

    assert [column.field for column in layout.columns] == [
        "patient_id",
        "date",
        "name",
        "age",
        "reason",
        "findings",
        "billing",
    ]


def test_a_slip_is_recognised_with_less_confidence(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, ["Pateint ID", "Date", "Name"], ["1", "2", "x"])

    column = layout.columns[0]
    assert column.field == "patient_id"
    assert 80 < column.confidence < 100


def test_titles_above_and_headings_in_two_rows_are_understood(tmp_path: Path) -> None:
    layout = layout_of(
        tmp_path,
        ["Cedar Village 2024"],
        [None],
        ["Patient", None, "Visit", None, "Billing Status"],
        ["ID", "Name", "Date", "Reason", None],
        ["P-1", "Jane Roe", "2024-05-03", "Cough", "Paid"],
    )

    assert layout.header == 4
    assert layout.used == {"patient_id": 0, "name": 1, "date": 2, "reason": 3, "billing": 4}


def test_a_person_knows_better_than_the_guess(tmp_path: Path) -> None:
    layout = layout_of(
        tmp_path,
        ["Card", "Date", "Name", "Age"],
        ["1", "2024-05-03", "x", "4"],
        chosen=read_map(["Card=patient_id", f"Age={IGNORED}"], VISIT_FIELDS),
    )

    assert [column.field for column in layout.columns] == ["patient_id", "date", "name", ""]
    assert layout.columns[0].confidence == 100


def test_a_missing_column_is_refused_with_what_was_read_and_what_is_accepted(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, ["Date", "Colour", "Age"], ["2024-05-03", "red", "4"])

    with pytest.raises(InvalidInput) as refusal:
        require_columns(layout, VISIT_FIELDS)

    text = str(refusal.value)
    assert "Patient ID, Name" in text
    assert "Date, Colour, Age" in text
    assert "mrn" in text


@pytest.mark.parametrize("pair", ["Card", "Card=colour", "=x"])
def test_a_wrong_map_is_refused(pair: str) -> None:
    with pytest.raises(InvalidInput, match="COLUMN=FIELD"):
        read_map([pair], VISIT_FIELDS)


def test_a_map_of_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Date, Name"):
        layout_of(tmp_path, ["Date", "Name"], ["2024-05-03", "x"], chosen={"Card": "patient_id"})
