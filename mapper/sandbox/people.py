"""Invented customers and products for the generated orders. Names, addresses and e-mail hosts belong to nobody."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from mapper.sandbox.wire import Object


@dataclass(frozen=True, slots=True)
class _Country:
    """Where customers live; lists are separated by `|`, places are `zipcode city` with the city last."""

    name: str
    firsts: str
    lasts: str
    streets: str
    places: str


# Names in Dutch, as a Dutch shop writes them; zip codes as customers type them.
_COUNTRIES = {
    "NL": _Country(
        "Nederland", "Sanne|Daan|Lotte|Bram|Noor|Joost", "de Vries|van den Berg|Jansen|Bakker|Visser|ter Horst",
        "Dorpsstraat|Kerkweg|Lindelaan|Havenstraat", "3511AB Utrecht|5038 AA Tilburg|1071kd Amsterdam|9712HP Groningen",
    ),
    "BE": _Country(
        "België", "Emma|Wout|Fien|Lucas", "Peeters|Maes|De Smet", "Kerkstraat|Stationsstraat",
        "2000 Antwerpen|9000 Gent",
    ),
    "DE": _Country(
        "Duitsland", "Jürgen|Anke|Lena|Uwe", "Müller|Schäfer|Groß", "Hauptstraße|Gartenweg",
        "50667 Köln|10115 Berlin",
    ),
    "FR": _Country(
        "Frankrijk", "Élodie|Hugo|Chloé", "Lefèvre|Moreau", "Rue de l'Église|Rue Haute", "75011 Paris|69002 Lyon",
    ),
    "SE": _Country(
        "Zweden", "Åsa|Björn|Elin", "Öberg|Lindqvist", "Storgatan|Skolvägen", "11122 Stockholm|41104 Göteborg",
    ),
    "US": _Country(
        "Verenigde Staten", "Emily|Jack|Ruth", "Stone|O'Neill", "Market Street|Pine Street",
        "94105 Oakland|98101 Seattle",
    ),
    "GB": _Country(
        "Verenigd Koninkrijk", "Alice|Harry", "Thatcher|Wells", "High Street|Mill Lane",
        "SW1A 1AA London|M1 1AE Manchester",
    ),
}  # fmt: skip
_PHONES = {
    "NL": "06",
    "BE": "+324",
    "DE": "+4915",
    "FR": "+336",
    "SE": "+4670",
    "US": "+1415555",
    "GB": "+447",
}
_PRODUCTS = (
    ("Koffiemok blauw", "MOK-01"), ("Koffiebonen 500g", "BON-500"), ("Theepot gietijzer", "THEE/3"),
    ("Kop & schotel “Café”", "KOP-02"), ("Filterpapier <nr. 4>", "FIL-04"), ("Siroop karamel", "SIR-11"),
    ("Melkopschuimer", ""), ("Bonenmaler hand", "MAL 7"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Product:
    """What a row sells."""

    id: int
    name: str
    number: str
    price: Decimal


def product(random: Random) -> Product:
    """Return a product with a price between 1 and 120, in cents."""
    index = random.randrange(len(_PRODUCTS))
    name, number = _PRODUCTS[index]
    return Product(1700001 + index, name, number, Decimal(random.randrange(100, 12000)) / 100)


def address(random: Random, country: str, *, company: str = "") -> Object:
    """Return a billing address with all its keys."""
    home = _COUNTRIES[country]
    first, last = random.choice(home.firsts.split("|")), random.choice(home.lasts.split("|"))
    zipcode, _, city = random.choice(home.places.split("|")).rpartition(" ")
    street, number = random.choice(home.streets.split("|")), random.randrange(1, 300)
    suffix = random.choice(("", "", "", "A", "bis"))
    return {
        "gender": None, "initials": "", "first_name": first, "last_name": last, "full_name": f"{first} {last}",
        "company": company, "address_line_1": f"{street} {number} {suffix}".strip(), "address_line_2": "",
        "street": street, "housenumber": number, "housenumber_suffix": suffix, "zipcode": zipcode, "city": city,
        "province": "", "telephone": _PHONES[country] + str(random.randrange(10000000, 99999999)),
        "fax": "", "mobile": "", "comment": "", "country": home.name,
        "country_code": country,
    }  # fmt: skip


def delivery(billing: Object) -> Object:
    """Return an address as a delivery address, which has no first and last name and no fax."""
    names = ("gender", "full_name", "initials", "company", "address_line_1", "address_line_2", "street",
             "housenumber", "housenumber_suffix", "zipcode", "city", "province", "telephone", "mobile", "comment",
             "country", "country_code")  # fmt: skip
    return {name: billing[name] for name in names}


def no_delivery(billing: Object) -> Object:
    """Return the delivery address of a customer who has none: empty texts and nulls, as real payloads have it."""
    nulls = {"gender", "housenumber", "country_code"}
    return {name: None if name in nulls else "" for name in delivery(billing)}


def customer(random: Random, country: str, *, business: bool, vat_number: str) -> Object:
    """Return the `customer` of an order, with all its keys and no separate delivery address."""
    company = f"{random.choice(('Zonneveld', 'Handelshuis Noord', 'Atelier 9'))} B.V." if business else ""
    billing = address(random, country, company=company)
    mailbox = "".join(letter for letter in billing["first_name"].lower() if letter.isascii())
    texts = ("email_invoice email_invoice_company email_invoice_union email customertype bankaccount iban bic bank "
             "tenname bankname btw kvk reference reservationnumber income branche branch website clubcity clubcomment "
             "clubname beurs fair stand booth carbrand cartype carweight birthdate birthplace birthtime cardnumber "
             "findus ssnnumber zzppass costcentre")  # fmt: skip
    filled: Object = {
        "email": f"{mailbox}.{random.randrange(10_000_000)}@klant.example",
        "customertype": "b2b" if business else "b2c", "btw": vat_number,
        "kvk": str(random.randrange(10_000_000, 99_999_999)) if business and country == "NL" else "",
        "reference": f"PO-{random.randrange(1000, 9999)}" if business else "",
        "birthdate": None, "birthtime": None,
    }  # fmt: skip
    addresses: Object = {"billingaddress": billing, "deliveryaddress": no_delivery(billing)}
    return addresses | {name: filled.get(name, "") for name in texts.split()}
