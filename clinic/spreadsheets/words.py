"""The words that people write for units of age, sexes, billing states and modalities, folded."""

from patients.models import Sex
from patients.names import fold
from scheduling.models import BillingState

UNITS = {
    "y": "y yr yrs year years yo old ans an annee annees ano anos jahre jahr j anni tuoi t"
    " lat лет год года"
    " سنة سنوات 岁 歳 tahun thn yas",
    "m": "m mo mos mth mths month months mois mes meses monate monat mesi thang bulan мес месяцев شهر 月",
    "w": "w wk wks week weeks semaine semaines semana semanas woche wochen tuan minggu нед",
    "d": "d day days jour jours dia dias tag tage ngay hari дн дней يوم 日",
}
UNIT_OF = {word: unit for unit, words in UNITS.items() for word in words.split()}

SEXES = {
    Sex.MALE: "m male man boy mr masculine masculino masculin maschio homme garcon h hombre"
    " varon macho"
    " mannlich mann homem nam trai laki laki laki l pria erkek e mume м муж мужской мужчина"
    " ذكر 男 男性",
    Sex.FEMALE: "f female woman girl feminine femenino feminin femme fille femmina mujer"
    " mulher weiblich w frau v vrouw"
    " nu gai perempuan p wanita kadin k mke ж жен женский женщина أنثى انثى 女 女性",
    Sex.OTHER: "o other x divers d diverse nonbinary otro autre outro khac",
    Sex.UNKNOWN: "u unknown unk desconocido inconnu unbekannt",
}
SEX_OF = {word: sex for sex, words in SEXES.items() for word in map(fold, words.split())}
BILLING = {
    BillingState.PAID: "paid|yes|y|settled|complete|completed|cleared|full|paid in full|cash"
    "|pagado|pagada|si|paye"
    "|payee|regle|oui|bezahlt|ja|pago|paga|sim|pagato|da thanh toan|da tra|lunas|odendi"
    "|оплачено|да|مدفوع|نعم"
    "|已付|已支付|支払済",
    BillingState.PENDING: "pending|partial|partially paid|part paid|in process|waiting"
    "|on hold|insurance|invoiced"
    "|billed|pendiente|parcial|en attente|partiel|offen|ausstehend|teilweise|pendente"
    "|in attesa|cho|cho thanh toan"
    "|menunggu|beklemede|ожидает|частично|معلق|待付|保留",
    BillingState.NOT_PAID: "not paid|unpaid|no|n|due|outstanding|owing|overdue|no pagado"
    "|impagado|non paye|impaye|non"
    "|unbezahlt|nicht bezahlt|nein|nao pago|nao|non pagato|chua thanh toan|chua tra"
    "|belum bayar|belum lunas"
    "|odenmedi|не оплачено|нет|غير مدفوع|لا|未付|未支付|未払",
}
BILLING_OF = {fold(word): state for state, words in BILLING.items() for word in words.split("|")}


MODALITIES = {
    "DX": "dx dr xr xray rx radiography radiograph rontgen roentgen radiografia radiographie röntgen",
    "CR": "cr",
    "US": "us usg ultrasound ultrasonography sonography sono ecografia echographie ultraschall",
    "CT": "ct tac tdm tomography tomografia",
    "MR": "mr mri irm rmn mrt",
    "MG": "mg mammography mammogram mamografia mammographie",
    "RF": "rf fluoroscopy",
    "XA": "xa angiography",
    "NM": "nm",
    "PT": "pt pet",
    "ES": "endoscopy",
}
MODALITY_OF = {fold(word): code for code, words in MODALITIES.items() for word in words.split()}
MODALITY_OF |= {"x ray": "DX", "ct scan": "CT"}


def words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES = words_of(
    "mr mrs ms miss mister mme mlle madame monsieur dr doctor prof professor herr frau hajji alhaji alhaja"
    " sheikh ibu bapak bwana mzee ông bà bác cháu bé"
)
# These are names too: titles only with a full stop behind them.
TITLES_WITH_STOP = words_of("m sr sra srta don dna sir rev fr ing hon hj capt col maj lt sgt eng tn ny bpk")
NAME_SUFFIXES = words_of("jr sr ii iii iv junior senior md phd esq")
NAME_PARTICLES = words_of(
    "van von der den de del della di da do dos das du la le los las ter ten te bin binti bint ibn ben abu abd"
    " al el st san santa mac zu zum"
)
# Family names that stand first in Vietnamese, written with their own letters.
VIETNAMESE_FAMILIES = words_of(
    "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Trịnh Đoàn Trương Lâm Phùng"
    " Hà Tô Tạ Đào Lương Quách"
)
