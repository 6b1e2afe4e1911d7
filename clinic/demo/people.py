"""The people of Cedar Village, all invented: users, patients in many scripts, referrers."""

from dataclasses import dataclass
from datetime import date

from clinic.permissions import Role

PASSWORD = "cedar-demo"  # noqa: S105  the same for all, and only in demo mode


@dataclass(frozen=True, kw_only=True)
class DemoUser:
    username: str
    full_name: str
    roles: tuple[Role, ...]
    title: str = ""


USERS = (
    DemoUser(username="reception", full_name="Rosa Delgado", roles=(Role.RECEPTIONIST,)),
    DemoUser(
        username="technician", full_name="Tomasz Wójcik", roles=(Role.TECHNICIAN,), title="Radiographer"
    ),
    DemoUser(
        username="radiologist",
        full_name="Dr Ama Mensah",
        roles=(Role.RADIOLOGIST,),
        title="Consultant radiologist",
    ),
    DemoUser(
        username="radiologist2",
        full_name="Dr Søren Lindqvist",
        roles=(Role.RADIOLOGIST,),
        title="Consultant radiologist",
    ),
    DemoUser(username="admin", full_name="Ingrid Haugen", roles=(Role.ADMINISTRATOR,)),
)


@dataclass(frozen=True, kw_only=True)
class DemoPatient:
    """`key` is how the week refers to a patient; `born` is empty where nobody knows, `known_to` how well."""

    key: str
    family: str
    given: str
    sex: str
    born: date | None
    known_to: str = "day"
    middle: str = ""
    prefix: str = ""
    ideographic: str = ""
    phonetic: str = ""
    phone: str = ""
    address: str = ""
    alerts: str = ""
    pregnancy: str = ""
    national_id: str = ""
    note: str = ""
    same_name_reason: str = ""  # why this one is not the other one whom it resembles


def _p(
    key: str,
    family: str,
    given: str,
    sex: str,
    born: tuple[int, int, int] | None,
    phone: str = "",
    **more: str,
) -> DemoPatient:
    return DemoPatient(
        key=key,
        family=family,
        given=given,
        sex=sex,
        born=date(*born) if born else None,
        phone=phone,
        **more,
    )


PATIENTS = (
    _p("okafor", "Okafor", "Chinedu", "M", (1968, 4, 17), "+447700900101", address="3 Mill Lane"),
    _p("thompson", "Thompson", "Margaret", "F", (1947, 11, 2), "+447700900102", alerts="Penicillin: rash"),
    _p("olafsdottir", "Ólafsdóttir", "Anna", "F", (1991, 6, 23), "+447700900103", middle="María"),
    _p("muller", "Müller-Lüdenscheidt", "Jürgen", "M", (1955, 1, 30), "+447700900104", prefix="Dr"),
    _p("gonzalez", "González Ibáñez", "Begoña", "F", (1983, 9, 9), "+447700900105"),
    _p("lefevre", "Lefèvre", "François", "M", (1972, 12, 25), "+447700900106"),
    _p("dvorak", "Dvořák", "Tomáš", "M", (1999, 3, 3), "+447700900107"),
    _p("szczepanska", "Szczepańska", "Małgorzata", "F", (1964, 8, 14), "+447700900108"),
    _p("sorensen", "Sørensen", "Bjørn", "M", (2014, 5, 5), "+447700900109", note="Comes with his mother"),
    _p("yilmaz", "Yılmaz", "Çağla", "F", (1996, 2, 29), "+447700900110", pregnancy="20 weeks"),
    _p("oneill", "O’Neill", "Siobhán", "F", (1988, 10, 31), "+447700900111"),
    _p("silva", "da Silva Araújo", "João", "M", (1979, 7, 7), "+447700900112"),
    _p("mbeki", "Mbeki", "Thandiwe", "F", (1961, 1, 1), known_to="about", address="Upper Farm"),
    _p("abebe", "Abebe", "Tadesse", "M", (1950, 1, 1), known_to="year", phone="+447700900114"),
    _p("wanjiru", "Wanjirũ", "Njeri", "F", (1993, 4, 1), known_to="month", phone="+447700900115"),
    _p("nguyen", "Nguyễn", "Ánh", "F", (1985, 5, 19), "+447700900116", middle="Thị Ngọc"),
    _p("tran", "Trần", "Đức", "M", (1958, 3, 8), "+447700900117", middle="Văn"),
    _p("pham", "Phạm", "Hương", "F", (2001, 12, 12), "+447700900118", middle="Quỳnh"),
    _p("ivanova", "Иванова", "Мария", "F", (1976, 6, 6), "+447700900119", middle="Сергеевна"),
    _p("shevchenko", "Шевченко", "Олексій", "M", (1969, 8, 24), "+447700900120"),
    _p("jovanovic", "Јовановић", "Љубица", "F", (1942, 2, 11), "+447700900121"),
    _p("papadopoulos", "Παπαδόπουλος", "Γεώργιος", "M", (1953, 4, 23), "+447700900122"),
    _p("nikolaou", "Νικολάου", "Ελένη", "F", (1990, 5, 21), "+447700900123"),
    _p("alhassan", "الحسن", "فاطمة", "F", (1987, 3, 14), "+447700900124"),
    _p("khoury", "خوري", "إلياس", "M", (1963, 9, 28), "+447700900125"),
    _p("hosseini", "حسینی", "پریسا", "F", (1998, 7, 15), "+447700900126", pregnancy="31 weeks"),
    _p("cohen", "כהן", "יעל", "F", (1981, 1, 19), "+447700900127"),
    _p("mizrahi", "מזרחי", "דוד", "M", (1949, 6, 30), "+447700900128"),
    _p("sharma", "शर्मा", "प्रिया", "F", (1994, 11, 8), "+447700900129"),
    _p("thapa", "थापा", "कृष्ण", "M", (1966, 1, 1), known_to="year", phone="+447700900130"),
    _p("srisai", "ศรีใส", "สมชาย", "M", (1971, 10, 13), "+447700900131"),
    _p("wang", "Wang", "Xiaodong", "M", (1959, 2, 4), "+447700900132", ideographic="王^小東"),
    _p("li", "Li", "Meihua", "F", (1978, 8, 8), "+447700900133", ideographic="李^美華"),
    _p(
        "yamada",
        "Yamada",
        "Tarou",
        "M",
        (1952, 12, 23),
        "+447700900134",
        ideographic="山田^太郎",
        phonetic="やまだ^たろう",
    ),
    _p(
        "sato",
        "Sato",
        "Hanako",
        "F",
        (1989, 3, 3),
        "+447700900135",
        ideographic="佐藤^花子",
        phonetic="さとう^はなこ",
    ),
    _p(
        "hong",
        "Hong",
        "Gildong",
        "M",
        (1984, 6, 10),
        "+447700900136",
        ideographic="洪^吉洞",
        phonetic="홍^길동",
    ),
    # Twins: the same family name, birth date and phone, and yet two people.
    _p("banda_chipo", "Banda", "Chipo", "F", (2009, 9, 17), "+447700900137"),
    _p(
        "banda_chikondi",
        "Banda",
        "Chikondi",
        "F",
        (2009, 9, 17),
        "+447700900137",
        same_name_reason="Twin sister of Chipo, both were here together",
    ),
    # Probably one person, registered twice: day and month changed places, an accent is missing.
    _p("kowalczyk", "Kowalczyk", "Stanisław", "M", (1957, 5, 9), "+447700900139"),
    _p(
        "kowalczyk_again",
        "Kowalczyk",
        "Stanislaw",
        "M",
        (1957, 9, 5),
        "",
        note="Came by ambulance without papers",
        same_name_reason="Came by ambulance without papers, could not be asked",
    ),
    _p("unknown_man", "Doe", "John", "U", None, note="Found unconscious, nobody knows him"),
)


@dataclass(frozen=True, kw_only=True)
class DemoReferrer:
    name: str
    clinic: str
    phone: str
    email: str
    licence: str


REFERRERS = (
    DemoReferrer(
        name="Dr Helen Fraser",
        clinic="Village Surgery",
        phone="+447700900201",
        email="fraser@surgery.example",
        licence="GP-1042",
    ),
    DemoReferrer(
        name="Dr Rajesh Iyer",
        clinic="Riverside Practice",
        phone="+447700900202",
        email="iyer@riverside.example",
        licence="GP-2210",
    ),
    DemoReferrer(
        name="Dr Zoë Adeyemi",
        clinic="Chest Clinic",
        phone="+447700900203",
        email="adeyemi@chest.example",
        licence="SP-0311",
    ),
    DemoReferrer(
        name="Midwife Clara Nkosi",
        clinic="Mother and Child Centre",
        phone="+447700900204",
        email="nkosi@mother.example",
        licence="MW-0087",
    ),
    DemoReferrer(
        name="Dr Émile Rousseau",
        clinic="Emergency Room",
        phone="+447700900205",
        email="rousseau@emergency.example",
        licence="SP-0764",
    ),
)
