"""What a list may hold, and the headings under which clinics know it, in several languages."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _lazy

from patients.names import fold


@dataclass(frozen=True)
class Field:
    """Something that a list may hold. ``headings`` are names under which it is known, folded."""

    key: str
    label: str | Promise
    headings: tuple[str, ...]
    is_required: bool = False


def _words(text: str) -> tuple[str, ...]:
    return tuple(fold(part) for part in text.split("|"))


VISIT_FIELDS = [
    Field(
        "patient_id",
        _lazy("Patient ID"),
        _words(
            "patient id|mrn|patient no|patient number|patient nr|medical record number"
            "|record number|file no"
            "|file number|hospital number|hospital no|card number|card no|reg no"
            "|registration number|uhid|pid"
            "|id patient|numero patient|n° patient|n° dossier|numero de dossier|numero de paciente"
            "|no de expediente|expediente|historia clinica|prontuario|codigo paciente|patientennummer"
            "|patienten id|patienten nr|fallnummer|ma benh nhan|ma bn|no rekam medis|nomor rekam medis"
            "|номер пациента|номер карты|رقم المريض|رقم الملف|病历号|患者id|患者番号|id"
        ),
        is_required=True,
    ),
    Field(
        "date",
        _lazy("Date of the visit"),
        _words(
            "date|visit date|date of visit|exam date|date of exam|examination date|date of examination"
            "|study date|date of study|date seen|scan date|service date|visited on|fecha"
            "|fecha de visita"
            "|fecha del estudio|date examen|date d'examen|date de visite|date de l'examen|datum"
            "|untersuchungsdatum|besuchsdatum|data|data do exame|data visita|ngay|ngay kham|ngay chup"
            "|tanggal|tanggal periksa|дата|дата визита|дата исследования|التاريخ|تاريخ الزيارة"
            "|تاريخ الفحص"
            "|日期|检查日期|検査日"
        ),
        is_required=True,
    ),
    Field(
        "name",
        _lazy("Name, in one cell"),
        _words(
            "name|patient name|full name|patient|name of patient|patient full name|client name|names"
            "|nombre|nombre completo|nombre y apellido|nombre del paciente|paciente|nom"
            "|nom complet|nom et prenom"
            "|nom prenom|nom du patient|vollstandiger name|patientenname|nome|nome completo"
            "|nome do paciente"
            "|nome paziente|cognome e nome|ho ten|ho va ten|ten benh nhan|benh nhan|nama|nama pasien"
            "|nama lengkap|ad soyad|jina|имя|фио|пациент|الاسم|اسم المريض|姓名|患者姓名|氏名|患者名"
        ),
    ),
    Field(
        "family_name",
        _lazy("Family name"),
        _words(
            "family name|last name|surname|lastname|familyname|apellido|apellidos|nom de famille"
            "|nachname"
            "|familienname|sobrenome|apelido|cognome|ho|soyad|фамилия|اسم العائلة|姓"
        ),
    ),
    Field(
        "given_name",
        _lazy("Given name"),
        _words(
            "given name|first name|forename|firstname|given names|first names|other names|nombres"
            "|prenom"
            "|prenoms|vorname|primeiro nome|ten|ad|имя отчество|الاسم الاول|名"
        ),
    ),
    Field("middle_name", _lazy("Middle name"), _words("middle name|middle|second name|ten dem|отчество")),
    Field(
        "birth_date",
        _lazy("Birth date"),
        _words(
            "birth date|date of birth|dob|birthdate|birthday|born|d o b|born on|fecha de nacimiento"
            "|fecha nacimiento|f nac|date de naissance|ne le|ddn|geburtsdatum|geb datum|geboren"
            "|data de nascimento|data nascimento|data di nascita|ngay sinh|nam sinh|year of birth"
            "|birth year|tanggal lahir|дата рождения|تاريخ الميلاد|出生日期|生年月日"
        ),
    ),
    Field(
        "age",
        _lazy("Age at the visit"),
        _words(
            "age|patient age|age years|age yrs|age y|edad|alter|idade|eta|tuoi|umur|usia|yas|umri"
            "|возраст|العمر"
            "|年龄|年齢|age at visit|age at exam"
        ),
    ),
    Field(
        "sex",
        _lazy("Sex"),
        _words(
            "sex|gender|m f|sexe|sexo|geschlecht|sesso|gioi tinh|gioi|jenis kelamin|cinsiyet"
            "|jinsia|пол|الجنس"
            "|性别|性別|genero"
        ),
    ),
    Field(
        "phone",
        _lazy("Phone"),
        _words(
            "phone|telephone|tel|mobile|phone number|phone no|mobile number|mobile no|cell"
            "|contact|contact no"
            "|contact number|telefono|celular|movil|telefone|telefon|handy|portable|dien thoai"
            "|so dien thoai"
            "|sdt|telepon|no hp|simu|телефон|الهاتف|رقم الهاتف|电话|電話"
        ),
    ),
    Field("email", _lazy("E-mail"), _words("email|e mail|mail|correo|courriel|correo electronico")),
    Field(
        "address",
        _lazy("Address"),
        _words(
            "address|home address|residence|village|town|location|direccion|domicilio|adresse|anschrift"
            "|endereco|indirizzo|dia chi|alamat|adres|адрес|العنوان|地址|住所"
        ),
    ),
    Field(
        "national_id",
        _lazy("National id"),
        _words(
            "national id|national id number|nid|id card|identity card|passport|passport no|dni"
            "|cedula|curp"
            "|cpf|codice fiscale|cccd|cmnd|nik|aadhaar|personalausweis|carte d'identite"
        ),
    ),
    Field(
        "reason",
        _lazy("Reason for the examination"),
        _words(
            "reason for exam|reason|reason for examination|reason for visit|indication"
            "|clinical indication"
            "|clinical information|clinical details|clinical history|history|complaint|chief complaint"
            "|presenting complaint|motivo|motivo del examen|motivo de consulta|indicacion|motif"
            "|motif de l'examen|renseignements cliniques|indikation|fragestellung|grund|motivo do exame"
            "|indicacao|ly do|ly do kham|chi dinh|indikasi|показания|жалобы|سبب الفحص|检查原因|検査目的"
        ),
    ),
    Field(
        "procedure",
        _lazy("Examination"),
        _words(
            "procedure|exam|examination|study|exam type|type of exam|type of examination|test|service"
            "|investigation|study description|examen|estudio|tipo de estudio|procedimiento"
            "|type d'examen"
            "|untersuchung|exame|esame|loai kham|dich vu|pemeriksaan|исследование|الفحص|检查项目|検査"
        ),
    ),
    Field(
        "modality", _lazy("Modality"), _words("modality|modalidad|modalite|modalitat|modalidade|модальность")
    ),
    Field(
        "referrer",
        _lazy("Referring doctor"),
        _words(
            "referring doctor|referring physician|referrer|referred by|ref doctor|ref by|ref dr"
            "|requested by"
            "|requesting doctor|ordering physician|ordering doctor|medico referente|medico tratante"
            "|referido por|medecin referent|medecin traitant|prescripteur|medecin prescripteur"
            "|uberweiser"
            "|zuweiser|zuweisender arzt|medico solicitante|medico richiedente|bac si chi dinh"
            "|dokter pengirim"
            "|dokter perujuk|направивший врач|الطبيب المحول|الطبيب المعالج|申请医生|依頼医"
        ),
    ),
    Field(
        "radiologist",
        _lazy("Radiologist"),
        _words(
            "radiologist|reporting radiologist|reported by|read by|reader|reporting doctor|radiologo"
            "|medico radiologo|radiologue|radiologe|befunder|befundet von|radiologista|bac si doc|"
            "bac si doc ket qua|dokter radiologi|рентгенолог|врач|اخصائي الاشعة|طبيب الاشعة|报告医生|読影医"
        ),
    ),
    Field(
        "findings",
        _lazy("Findings"),
        _words(
            "findings|finding|report|result|results|impression|conclusion|diagnosis"
            "|radiology report|hallazgos"
            "|informe|resultado|compte rendu|resultat|befund|bericht|beurteilung|laudo|achados|referto"
            "|ket qua|ket luan|hasil|kesan|заключение|результат|النتيجة|التقرير|检查所见|报告|所見"
        ),
    ),
    Field(
        "billing",
        _lazy("Billing status"),
        _words(
            "billing status|billing|payment|payment status|paid|bill|bill status|invoice status"
            "|estado de pago"
            "|pago|facturacion|paiement|statut de paiement|facturation|zahlung|bezahlt|zahlungsstatus"
            "|abrechnung|pagamento|status do pagamento|thanh toan|pembayaran|status bayar|оплата"
            "|оплачено"
            "|حالة الدفع|الدفع|付款状态|支払"
        ),
    ),
    Field(
        "accession",
        _lazy("Accession number (of Cedar)"),
        _words("accession number|accession|accession no|accession nr|acc no|numero de acceso"),
    ),
]
IMAGE_FIELDS = [
    VISIT_FIELDS[0],
    Field(
        "file",
        _lazy("File location"),
        _words(
            "file location|file|path|file path|location|image|image file|filename|file name"
            "|image location"
            "|archivo|ruta|fichier|chemin|datei|pfad|dateipfad|arquivo|caminho|tep|duong dan|файл"
            "|путь|الملف|文件"
        ),
        is_required=True,
    ),
    VISIT_FIELDS[1],
    Field(
        "notes",
        _lazy("Notes"),
        _words(
            "notes|note|comment|comments|description|remarks|notas|comentario|remarques|bemerkung"
            "|notizen"
            "|observacoes|ghi chu|catatan|примечание|ملاحظات|备注|備考"
        ),
    ),
]
