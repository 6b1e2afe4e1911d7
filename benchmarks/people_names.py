"""Invented people's names: cultures of the world, some names borne by many, a long tail borne by few."""
# ruff: noqa: E501

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Culture:
    """Names of one part of the world; the most common first."""

    share: int
    phone: str
    family: tuple[str, ...]
    women: tuple[str, ...]
    men: tuple[str, ...]
    tail: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    middle: float = 0.2


def _words(text: str) -> tuple[str, ...]:
    """Names parted by blanks; ``_`` is a blank within a name."""
    return tuple(name.replace("_", " ") for name in text.split())


def _tail(first: str, middle: str, last: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    return tuple(first.split()), tuple(middle.split()), tuple(last.split())


CULTURES = [
    Culture(
        22,
        "+2547",
        _words(
            "Otieno Mwangi Wanjiru Kamau Ochieng Njoroge Kariuki Banda Phiri Okafor Okonkwo Adeyemi Mensah "
            "Owusu Moyo Ndlovu Dlamini Achieng Kiplagat Cheruiyot Mutua Wambua Nyambura Odhiambo Juma Mushi"
        ),
        _words(
            "Grace Mary Faith Mercy Joyce Esther Chipo Hope Wanjiku Akinyi Amina Ruth Sarah Chikondi Ngozi "
            "Adwoa Thandiwe Eunice Beatrice Lilian Agnes Janet Purity Nekesa Zawadi"
        ),
        _words(
            "John Joseph Peter James David Brian Kevin Samuel Daniel Chidi Kwame Tendai Moses Emmanuel "
            "Kofi Isaac Musa Simon Elijah Geoffrey Baraka Kipchoge Thabo Sipho Themba"
        ),
        _tail("Ka Mu Nya O Wa Che Ki Ma Nda Ru Tu Mba", "ma ngo ri tho ku wi re nde ba lo sha ti", "ni ka ro ndo ya mbe ti gi wa nga su ra"),
    ),
    Culture(
        18,
        "+2010",
        _words(
            "Mohamed Ahmed Ali Hassan Ibrahim Mahmoud Mostafa Al-Sayed Khalil Al-Hassan Abdullah Abdel_Rahman "
            "Saleh Osman Farah Haddad Mansour Nasser Younis Suleiman Al-Masri Bakr Said Omar"
        ),
        _words(
            "Fatima Aisha Maryam Khadija Zainab Nour Layla Amina Hanan Salma Huda Yasmin Rania Samira Noura "
            "Halima Asma Safiya Zahra Mona"
        ),
        _words(
            "Mohammed Ahmed Ali Hassan Hussein Omar Khaled Mustafa Yusuf Ibrahim Abdullah Mahmoud Karim "
            "Tariq Bilal Hamza Salim Abdulrahman Jamal Rashid"
        ),
        _tail("Al- Bu Sha Ha Ka Na Ra Ta Za Gha Qa Ma", "ba di fa ha li mi ra sa wa ya zi nu", "r m n d b l ri ni di wi fi oun"),
    ),
    Culture(
        22,
        "+5511",
        _words(
            "Silva Santos García Rodríguez González Fernández López Martínez Pérez Sánchez Oliveira Souza "
            "Pereira Costa Muñoz Núñez Ibáñez Peña Gómez Díaz Moreno Álvarez Romero Navarro Almeida"
        ),
        _words(
            "María Ana Carmen Josefa Isabel Lucía Sofía Juana Francisca Antonia Rosa Paula Camila Valentina "
            "Teresa Beatriz Mariana Inés Concepción Begoña"
        ),
        _words(
            "José Juan Antonio Manuel Francisco Luis Carlos Miguel Pedro Ángel João Paulo Jesús Fernando "
            "Rafael Iñaki Joaquín Andrés Diego Nuño"
        ),
        _tail("Al Ba Ca De Es Fi Go He La Mo Pa Sa Te Vi", "ba ca di ga la ma ne ra ri ta ve zo", "do la nez ra res ro s da ño les"),
        0.5,
    ),
    Culture(
        16,
        "+4917",
        _words(
            "Müller Schmidt Schneider Weber Schröder Krüger Weiß Groß Köhler Schäfer Strauß Jäger Sørensen "
            "Jørgensen Østergaard Lindqvist Ångström Haugen Nilsson O'Brien O'Neill McDonald MacGregor McCarthy "
            "Smith Jones Taylor Brown Wright Mayer-Vorfelder Lloyd-George"
        ),
        _words(
            "Anna Maria Ursula Käthe Jürgensine Björk Åse Ingrid Catherine Margaret Elizabeth Siobhán Karen "
            "Birgit Heike Sabine Zoë Chloë Renée Solveig"
        ),
        _words(
            "Jürgen Günther Jörg Björn Søren Håkon Thomas Michael Stephen Philip Seán Matthew Klaus Wolfgang "
            "Lars Erik Andreas Christian Frederick Geoffrey"
        ),
        _tail("Hoff Stein Wald Berg Lind Grün Schön Kauf Brand Rosen Feld Eich", "en er el s in ", "mann berg stein feld bach hof dorf haus meier thal ström gaard"),
    ),
    Culture(
        12,
        "+8490",
        _words("Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý"),
        _words("Lan Hương Thảo Linh Ánh Ngọc Mai Hồng Thúy Phượng Hằng Yến Trang Nhung Đào Tuyết"),
        _words("Hùng Dũng Minh Tuấn Đức Quang Hải Sơn Thắng Long Phúc Việt Khánh Cường Hiếu Trí"),
        _tail("Ngu Tr Ph Th Kh Đ Qu H", "yễ ầ ạ ị ươ ồ uý ă", "n ng m nh t c"),
        0.9,
    ),
    Culture(
        10,
        "+9055",
        _words(
            "Yıldız Öztürk Şahin Çelik Kılıç Demir Ivanov Petrov Kowalski Wiśniewski Dvořák Novák Szymański "
            "Papadopoulos Kovačević Łukaszewicz Yamada Tanaka Singh Kumar Sharma Patel Das Iyer"
        ),
        _words(
            "Ayşe Fatma Elif İpek Olga Natalia Svetlana Agnieszka Zofia Eleni Priya Anjali Lakshmi Sunita Yuki "
            "Hanako Kavita Deepa Ewa Jana"
        ),
        _words(
            "Mehmet Mustafa Işık Hüseyin Sergei Dmitri Aleksandr Piotr Łukasz Georgios Rajesh Sanjay Arjun Vikram "
            "Kenji Takeshi Amit Jiří Pavel Nikos"
        ),
        _tail("Kara Ak Bo Dra Kra Mi Pa Ra Sto Va Ya Zel", "ba go la ko no ri ta va mo shi", "oğlu ov ski ić ek ka moto wara dis an"),
    ),
]  # fmt: skip
COUPLES = [
    ("Hassan", "Hussein"), ("Maria", "Marie"), ("Chipo", "Chipa"), ("Amina", "Amira"), ("Anna", "Anne"),
    ("Jan", "Jana"), ("Paul", "Paula"), ("Mercy", "Marcy"), ("Taiwo", "Kehinde"), ("Ali", "Alia"),
]  # fmt: skip
SPELLINGS = [
    ("Mohammed", "Muhammad", "Mohamed", "Mohammad"), ("Ahmed", "Ahmad"), ("Hussein", "Hussain", "Husain"),
    ("Yusuf", "Yousef", "Youssef"), ("Khaled", "Khalid"), ("Fatima", "Fatema", "Fatimah"),
    ("Aisha", "Aysha", "Ayesha"), ("Maryam", "Mariam"), ("Abdullah", "Abdallah"), ("Omar", "Umar"),
    ("Abdulrahman", "Abdul Rahman", "Abd al-Rahman", "Abdelrahman"), ("Mahmoud", "Mahmud"),
    ("Mustafa", "Mostafa"), ("Ibrahim", "Ebrahim"), ("Al-Hassan", "Al Hassan", "Alhassan"),
    ("Suleiman", "Sulaiman", "Soliman"), ("Zainab", "Zaynab", "Zeinab"), ("Khadija", "Khadijah"),
    ("Catherine", "Katherine", "Kathryn"), ("Stephen", "Steven", "Stephan"), ("Philip", "Phillip"),
    ("Geoffrey", "Jeffrey"), ("Elizabeth", "Elisabeth"), ("Sergei", "Sergey"), ("Aleksandr", "Alexander"),
    ("McDonald", "MacDonald", "Mc Donald"), ("MacGregor", "McGregor"), ("McCarthy", "MacCarthy"),
    ("O'Brien", "OBrien", "O Brien"), ("O'Neill", "ONeill", "O’Neill", "O'Neil"),
    ("Mayer-Vorfelder", "Mayer Vorfelder"), ("Lloyd-George", "Lloyd George"),
]  # fmt: skip


@cache
def tail_of(culture: Culture) -> tuple[str, ...]:
    """The rare family names of a culture, always the same."""
    first, middle, last = culture.tail
    short = [a + b + c for a in first for b in middle for c in last]
    long = [a + b + d + c for a in first for b in middle for d in middle for c in last]
    return tuple(dict.fromkeys(name.strip() for name in [*short, *long] if len(name.strip()) > 2))


@cache
def common_weights(count: int) -> tuple[float, ...]:
    """As in life: the second most common half as frequent, the third a third."""
    return tuple(1 / (place + 2) for place in range(count))
