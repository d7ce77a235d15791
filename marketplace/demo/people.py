"""Invented people for the demo: nobody's real name, address, birth date or tax id.

Family names are things of a workshop, addresses stand in a town that does not exist, e-mail domains are the ones
reserved for examples (RFC 2606), and tax ids begin with 000, which no real one does.
"""

import random
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

GIVEN_NAMES = """
    Ada Amara Anouk Aya Bilal Bruno Camila Chidi Chloé Dario Dilnoza Ekaterina Emeka Esra Farah Felix Giulia
    Hana Hugo Imani Ines Iqbal Jomo José Kaito Kavya Lena Liang Luca Mahmoud Marisol Mei Milan Nadia Ngozi Nils
    Noor Oksana Omar Paloma Petra Priya Quentin Rania Renée Ravi Sefa Sibusiso Sofia Tamás Thandi Tomasz Uma
    Valentín Wanjiru Xiomara Yara Yusuf Zdeněk Zoë
"""
FAMILY_NAMES = """
    Anvil Balance Beaker Bellows Bevel Bobbin Borax Caliper Chisel Clamp Compass Copperplate Crucible Cupel
    Dowel Easel Engraver Feather Fermata Ferrule Filament Flask Foil Gasket Gimbal Graphite Grommet Hallmark
    Hinge Inkwell Ingot Kiln Lantern Lathe Loupe Mallet Mandrel Mortar Nib Ochre Papercut Pestle Pigment Pinion
    Plumbline Quill Ratchet Rivet Sextant Shellac Solder Spindle Spirit-Level Tallow Template Thimble Touchstone
    Treadle Tweezer Varnish
"""
STREETS = ("Placeholder Lane", "Sample Street", "Specimen Road", "Mock-up Mews", "Fixture Avenue", "Dummy Drive")
EMAIL_DOMAINS = ("example.org", "example.com")
OTHER_LANGUAGES = ("ar", "bn", "cs", "de", "es", "fr", "hi", "id", "it", "ja", "pl", "pt", "sw", "tr", "uk", "zh")
FIRST_BIRTH_DATE = date(1955, 1, 1)
LAST_BIRTH_DATE = date(2004, 12, 31)


@dataclass(frozen=True)
class Person:
    """What somebody who applies would write into the form."""

    name: str
    email: str
    address: str
    country: str
    languages: tuple[str, ...]
    birth_date: date
    tax_id: str


def invent_people(*, seed: int, count: int) -> list[Person]:
    """Invent `count` people, the same ones for the same seed; no two share a name, an e-mail address or a tax id."""
    given, family = GIVEN_NAMES.split(), FAMILY_NAMES.split()
    possible = len(given) * len(family)
    if not 0 <= count <= possible:
        raise ValueError(f"There are names for 0 to {possible} people, not for {count}.")
    chance = random.Random(seed)
    chance.shuffle(given)
    chance.shuffle(family)
    people: list[Person] = []
    for number in range(count):
        round_number, place = divmod(number, len(given))
        name = f"{given[place]} {family[(place + round_number) % len(family)]}"
        people.append(_invent_person(name=name, number=number, chance=chance))
    return people


def _invent_person(*, name: str, number: int, chance: random.Random) -> Person:
    days = (LAST_BIRTH_DATE - FIRST_BIRTH_DATE).days
    return Person(
        name=name,
        email=f"{_plain(name)}@{chance.choice(EMAIL_DOMAINS)}",
        address=f"{chance.randint(1, 199)} {chance.choice(STREETS)}, Exampleton 00000",
        country="US",
        languages=("en", *sorted(chance.sample(OTHER_LANGUAGES, chance.randint(0, 2)))),
        birth_date=FIRST_BIRTH_DATE + timedelta(days=chance.randint(0, days)),
        tax_id=f"000-{chance.randint(10, 99)}-{number:04d}",
    )


def _plain(name: str) -> str:
    """Spell a name for an e-mail address: `Zoë Spirit-Level` becomes `zoe.spirit-level`."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    return letters.lower().replace(" ", ".")
