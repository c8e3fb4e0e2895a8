"""Names of people, programmes, courses and buildings."""

import unicodedata
from itertools import product
from random import Random

GIVEN = (
    "Anna",
    "Bram",
    "Chloé",
    "Daan",
    "Emma",
    "Finn",
    "Gülşen",
    "Hugo",
    "Iris",
    "Jørgen",
    "Kaya",
    "Lotte",
    "Mateusz",
    "Noor",
    "Oscar",
    "Priya",
    "Quinten",
    "Rosa",
    "Søren",
    "Tess",
    "Umar",
    "Vera",
    "Wout",
    "Zoë",
)
FAMILY = (
    "Visser",
    "de Jong",
    "Öztürk",
    "Bakker",
    "Nguyễn",
    "van den Berg",
    "García",
    "Smit",
    "Łukasiewicz",
    "Meijer",
    "O'Connor",
    "Müller",
    "Bos",
    "Dvořák",
    "Peeters",
    "Østergaard",
    "Hendriks",
    "Şahin",
)

PROGRAMMES = {
    "INF": (
        "Faculty of Science / Informatics",
        ("Algorithms", "Databases", "Operating Systems", "Compilers", "Networks", "Logic & Proofs"),
    ),
    "PHY": (
        "Faculty of Science / Physics",
        ("Mechanics", "Optics", "Schrödinger's Equation", "Thermodynamics", "Electronics", "Statistics"),
    ),
    "LAW": (
        "Faculty of Law",
        ("Constitutional Law", "Contract Law", "Droit européen", "Criminal Law", "Tax Law", "Moot Court"),
    ),
    "ECO": (
        "Faculty of Economics",
        ("Microeconomics", "Macroeconomics", "Econometrics", "Finance", "Accounting", "Games of Strategy"),
    ),
    "LIT": (
        "Faculty of Humanities / Literature",
        ("Poëzie en proza", "Česká literatura", "Old Norse: Þulur", "Rhetoric", "Drama", "Translation"),
    ),
    "MED": (
        "Faculty of Medicine",
        ("Anatomy", "Physiology", "Ménière & the Ear", "Pharmacology", "Ethics", "Epidemiology"),
    ),
}
"""Department and subjects of each programme; a subject is taught as two courses, 1 and 2."""

BUILDINGS = {"NP": "Newton Place", "EH": "Erasmus Hall", "BG": "Bibliotheek Grote Markt", "LC": "Lab Court"}

_UNDECOMPOSED = str.maketrans({"ø": "o", "Ø": "o", "ł": "l", "Ł": "l"})
"""Letters that Unicode does not take apart into a plain one and an accent."""


def people_names(random: Random, count: int) -> list[str]:
    """`count` full names, no two alike; the first one is Anna Visser."""
    names = [f"{given} {family}" for given, family in product(GIVEN, FAMILY)]
    first, rest = names[0], names[1:]
    random.shuffle(rest)
    numbered = (f"{name} {number}" for number in range(2, 2 + count // len(names) + 1) for name in names)
    return [first, *rest, *numbered][:count]


def mail_address(name: str) -> str:
    """`anna.visser@example.edu` for `Anna Visser`: plain letters only, whatever the name is written in."""
    plain = unicodedata.normalize("NFKD", name.translate(_UNDECOMPOSED)).encode("ascii", "ignore").decode().lower()
    return (
        "".join(letter for letter in plain.replace(" ", ".", 1) if letter.isalnum() or letter == ".") + "@example.edu"
    )
