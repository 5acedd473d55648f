"""The settings as a merchant reads them: a label in both languages, and the Dutch of the schema's description."""

from __future__ import annotations

from mapper.errors import Language
from mapper.settings_schema import Schema

# Key → (English label, Dutch label, Dutch help). The English help is the schema's description.
LABELS: dict[str, tuple[str, str, str]] = {
    "name": ("Name", "Naam", "De naam van de webwinkel, voor mensen."),
    "home_country": (
        "Home country",
        "Thuisland",
        "Het land van waaruit de winkel verkoopt; uit de winkel gelezen als het leeg is.",
    ),
    "vat_number": (
        "Own VAT number",
        "Eigen btw-nummer",
        "Het btw-nummer van de winkel: VIES geeft dan een raadplegingsnummer als bewijs bij ICP-verkopen.",
    ),
    "time_zone": ("Time zone", "Tijdzone", "De zone waarin de datum van een document telt."),
    "language": ("Language", "Taal", "De taal van teksten voor de merchant en van landnamen."),
    "currency": ("Currency", "Valuta", "De valuta van de WeFact-administratie (K8)."),
    "mode": ("What becomes an invoice", "Wat een factuur wordt", "Welke documenten facturen worden (R1)."),
    "statuses": (
        "Order statuses",
        "Bestelstatussen",
        "De bestelstatussen die tellen, bij verwerking op status.",
    ),
    "process_from": (
        "Go-live",
        "Ingangsdatum",
        "Vanaf deze dag wordt verwerkt (R9): oudere documenten worden met rust gelaten.",
    ),
    "margin_scheme": (
        "Margin scheme",
        "Margeregeling",
        "De winkel verkoopt gebruikte goederen onder de margeregeling.",
    ),
    "vat.legal_rates": (
        "Rates by law",
        "Wettelijke tarieven",
        "Btw-tarieven volgens de wet die in de meegeleverde tabel ontbreken of fout staan; ze gaan voor (K7, P1).",
    ),
    "vat.real_rates_below_one": (
        "Real rates below 1 %",
        "Echte tarieven onder 1 %",
        "Tarieven onder 1 % die echt zijn (Corsica: 0,9) en geen breuk zoals 0,21.",
    ),
    "vat_of.shipping": (
        "VAT of shipping costs",
        "Btw op verzendkosten",
        "Verzendkosten: het tarief dat de winkel noemt, verdeeld over de tarieven van de goederen, of een vast tarief.",
    ),
    "vat_of.shipping_rate": (
        "Fixed rate for shipping",
        "Vast tarief verzending",
        "Het btw-tarief in procenten van verzendkosten als het vast is.",
    ),
    "vat_of.payment": (
        "VAT of payment costs",
        "Btw op betaalkosten",
        "Betaalkosten: gebruikelijk is het hoogste tarief van het land bij bestellingen, dat van verzending bij facturen (P1, I7).",
    ),
    "vat_of.payment_rate": (
        "Fixed rate for payment",
        "Vast tarief betaling",
        "Het btw-tarief in procenten van betaalkosten als het vast is.",
    ),
    "invoice.status": (
        "Status",
        "Status",
        "De status van een nieuwe factuur; betaald alleen bij betaalde documenten.",
    ),
    "invoice.code": (
        "Invoice number",
        "Factuurnummer",
        "Wie de factuur nummert: WeFact, of het bestel- of factuurnummer van de winkel (niet bij concepten).",
    ),
    "invoice.layout": (
        "Layout",
        "Lay-out",
        "Het factuurprofiel: een LanguageCode van het account; die van WeFact zelf als het leeg is.",
    ),
    "invoice.term": ("Payment term", "Betaaltermijn", "Het aantal dagen waarbinnen betaald moet worden."),
    "invoice.send_by_email": (
        "Send by e-mail",
        "Per e-mail versturen",
        "Laat WeFact elke factuur mailen nadat zij gemaakt is.",
    ),
    "invoice.cost_centre": ("Cost centre", "Kostenplaats", "De kostenplaats van de hele factuur."),
    "invoice.write_reference": (
        "Write the code to the shop",
        "Code naar de winkel",
        "Schrijf de factuurcode van WeFact bij de factuur in de winkel; alleen als facturen verwerkt worden.",
    ),
    "invoice.shipping_fields": (
        "Delivery address fields",
        "Velden afleveradres",
        "Welke vrije velden een apart afleveradres dragen.",
    ),
    "invoice.rounding_model": (
        "Rounding",
        "Afronding",
        "Hoe WeFact afrondt: B per tarief, A per regel, C netto per regel, D het totaal, E netto één keer.",
    ),
    "invoice.address": (
        "Address on the invoice",
        "Adres op de factuur",
        "Welk adres de factuur toont: dat van de debiteur in WeFact, of dat van het document zelf.",
    ),
    "products.synchronise": (
        "Create products",
        "Producten aanmaken",
        "Maak producten aan die WeFact niet heeft, en verwijs ernaar.",
    ),
    "checks.eu_zero_rate": (
        "0 % within the EU",
        "0 % binnen de EU",
        "Een verkoop tegen 0 % aan een EU-land zonder ICP (K7).",
    ),
    "checks.vies_unknown": (
        "No answer from VIES",
        "Geen antwoord van VIES",
        "VIES geeft geen antwoord over een btw-nummer (K2): wachten, of verder als concept.",
    ),
    "checks.zero_total": ("Total of zero", "Totaal nul", "Een document met totaal nul (R6)."),
    "checks.discounts_in_rows": (
        "Discounts in the rows",
        "Kortingen in de regels",
        "De regels bevatten de couponkortingen al (I8).",
    ),
    "checks.rounding_limit": (
        "Largest rounding line",
        "Grootste afrondingsregel",
        "De grootste afrondingsregel in euro's die K1 mag toevoegen; 0 is strikt.",
    ),
    "checks.impact_limit": (
        "Effect that publish asks about",
        "Effect waarover publish vraagt",
        "Euro's van eerdere facturen die gewijzigde regels mogen verschuiven voordat `mapper publish` vraagt.",
    ),
}

# Key and value → (English, Dutch).
VALUES: dict[str, tuple[str, str]] = {
    "mode paid_orders": ("paid orders", "betaalde bestellingen"),
    "mode order_statuses": ("orders in chosen statuses", "bestellingen in gekozen statussen"),
    "mode invoices": ("all invoices", "alle facturen"),
    "language nl": ("Dutch", "Nederlands"),
    "language en": ("English", "Engels"),
    "vat_of.shipping shop": ("as the shop states", "zoals de winkel zegt"),
    "vat_of.shipping proportional": ("spread over the goods", "verdeeld over de goederen"),
    "vat_of.shipping fixed": ("fixed", "vast"),
    "vat_of.payment usual": ("usual", "gebruikelijk"),
    "vat_of.payment highest": ("the country's highest", "het hoogste van het land"),
    "vat_of.payment shipping": ("as shipping", "als verzending"),
    "vat_of.payment proportional": ("spread over the goods", "verdeeld over de goederen"),
    "vat_of.payment fixed": ("fixed", "vast"),
    "invoice.status draft": ("draft", "concept"),
    "invoice.status sent": ("sent", "verzonden"),
    "invoice.status paid": ("paid", "betaald"),
    "invoice.code automatic": ("by WeFact", "door WeFact"),
    "invoice.code order_number": ("the order's number", "het bestelnummer"),
    "invoice.code invoice_number": ("the invoice's number", "het factuurnummer"),
    "invoice.shipping_fields english": ("English", "Engels"),
    "invoice.shipping_fields dutch": ("Dutch", "Nederlands"),
    "invoice.shipping_fields off": ("none", "geen"),
    "invoice.rounding_model A": ("A: per line", "A: per regel"),
    "invoice.rounding_model B": ("B: per rate", "B: per tarief"),
    "invoice.rounding_model C": ("C: net per line", "C: netto per regel"),
    "invoice.rounding_model D": ("D: the total", "D: het totaal"),
    "invoice.rounding_model E": ("E: net once", "E: netto één keer"),
    "invoice.address debtor": ("the debtor's", "dat van de debiteur"),
    "invoice.address document": ("the document's own", "dat van het document"),
    "checks.eu_zero_rate hold": ("hold", "tegenhouden"),
    "checks.eu_zero_rate warn": ("warn", "waarschuwen"),
    "checks.eu_zero_rate international": ("as International", "als International"),
    "checks.vies_unknown wait": ("wait", "wachten"),
    "checks.vies_unknown draft": ("go on as a draft", "verder als concept"),
    "checks.zero_total ignore": ("ignore", "negeren"),
    "checks.zero_total post": ("post", "boeken"),
}

# The order statuses of CCV Shop that mode order_statuses chooses from (ccv-api: 1 to 14).
STATUSES = range(1, 15)


def label(key: str, language: Language) -> str:
    """Return what a setting is called."""
    english, dutch, _ = LABELS[key]
    return dutch if language == "nl" else english


def help_of(key: str, schema: Schema, language: Language) -> str:
    """Return what a setting does."""
    return LABELS[key][2] if language == "nl" else str(schema["description"])


def value_text(key: str, value: object, language: Language) -> str:
    """Return a value of a choice in words; another stays as it is."""
    words = VALUES.get(f"{key} {value}")
    return str(value) if words is None else words[language == "nl"]
