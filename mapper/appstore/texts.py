"""What the install pages say, in Dutch and English."""

from __future__ import annotations

from mapper.errors import Language

TEXTS: dict[str, tuple[str, str]] = {
    "title": ("CCV Shop to WeFact", "CCV Shop naar WeFact"),
    "step": ("Step {number} of {count}", "Stap {number} van {count}"),
    "next": ("Next", "Verder"),
    "save": ("Save", "Opslaan"),
    "back": ("Back to the overview", "Terug naar het overzicht"),
    "to_shop": ("Back to the shop", "Terug naar de winkel"),
    "other_language": ("Nederlands", "English"),
    "went_wrong": ("This did not work", "Dit lukte niet"),
    "terms.heading": ("Terms and conditions", "Voorwaarden"),
    "terms.intro": (
        "This integration makes a WeFact invoice of each order or invoice of {shop}. It needs access to both.",
        (
            "Deze koppeling maakt van elke bestelling of factuur van {shop} een factuur in WeFact. Daarvoor is"
            " toegang tot beide nodig."
        ),
    ),
    "terms.1": (
        "The integration books what the shop gives it. Checking your accounts remains your task.",
        "De koppeling boekt wat de winkel geeft. De controle van uw boekhouding blijft uw taak.",
    ),
    "terms.2": (
        "Data of your customers is used for the invoices only, and removed from the integration after its retention.",
        (
            "Gegevens van uw klanten worden alleen voor de facturen gebruikt, en na de bewaartermijn uit de koppeling"
            " verwijderd."
        ),
    ),
    "terms.3": (
        "The trial costs nothing and lasts until the first of the next month. You can stop at any moment.",
        "De proef kost niets en duurt tot de eerste van de volgende maand. U kunt op elk moment stoppen.",
    ),
    "terms.accept": (
        "I agree to these terms (version {version}) for {shop}.",
        "Ik ga akkoord met deze voorwaarden (versie {version}) voor {shop}.",
    ),
    "terms.email": ("E-mail address for messages", "E-mailadres voor berichten"),
    "terms.existing": ("I already have a licence key", "Ik heb al een licentiesleutel"),
    "terms.existing_help": (
        "To see this shop beside your others, give the key and password of one of those.",
        "Om deze winkel bij uw andere te zien: geef de sleutel en het wachtwoord van een daarvan.",
    ),
    "terms.key": ("Licence key", "Licentiesleutel"),
    "terms.password": ("Password", "Wachtwoord"),
    "terms.needed": ("Tick the box to go on.", "Vink het vakje aan om verder te gaan."),
    "wefact.heading": ("Connection with WeFact", "Verbinding met WeFact"),
    "wefact.1": (
        "Log in to WeFact and go to Settings, API. Switch the API on.",
        "Log in bij WeFact en ga naar Instellingen, API. Zet de API aan.",
    ),
    "wefact.2": (
        "Add the IP address of this integration. If you do not know it yet, try the key: WeFact then names it here.",
        "Voeg het IP-adres van deze koppeling toe. Kent u het nog niet? Probeer de sleutel: WeFact noemt het dan hier.",
    ),
    "wefact.3": (
        "Copy the security code (the API key) into this field.",
        "Neem de beveiligingscode (de API-sleutel) over in dit veld.",
    ),
    "wefact.key": ("API key of WeFact", "API-sleutel van WeFact"),
    "wefact.kept": (
        "A key is kept. Leave the field empty to keep it.",
        "Er is een sleutel. Laat het veld leeg om die te houden.",
    ),
    "wefact.ip": ("IP address to allow in WeFact: {ip}", "IP-adres om in WeFact toe te staan: {ip}"),
    "layout.heading": ("Invoice layout", "Factuurlayout"),
    "layout.label": ("Layout of the invoices in WeFact", "Layout van de facturen in WeFact"),
    "layout.none": ("WeFact's own choice", "De keuze van WeFact"),
    "vat.heading": ("VAT", "Btw"),
    "vat.intro": (
        "Each country and rate needs a VAT code of WeFact. We propose the ones that fit; change what should differ.",
        "Elk land en tarief heeft een btw-code van WeFact nodig. Dit zijn de passende; wijzig wat anders moet.",
    ),
    "vat.home": ("Rates of {country}, ICP and outside the EU", "Tarieven van {country}, ICP en buiten de EU"),
    "vat.others": ("Other EU countries", "Andere EU-landen"),
    "vat.choice": ("Consumers in other EU countries pay", "Consumenten in andere EU-landen betalen"),
    "vat.choice_home": ("the rates of {country}", "de tarieven van {country}"),
    "vat.choice_destination": (
        "the rates of their own country (one-stop shop)",
        "de tarieven van hun eigen land (éénloketsysteem)",
    ),
    "vat.propose": ("Propose again", "Opnieuw voorstellen"),
    "vat.country": ("Country", "Land"),
    "vat.rate": ("Rate", "Tarief"),
    "vat.code": ("VAT code in WeFact", "Btw-code in WeFact"),
    "vat.none": ("not set", "niet ingesteld"),
    "vat.icp": ("ICP (within the EU, to companies)", "ICP (binnen de EU, aan bedrijven)"),
    "vat.international": ("Outside the EU", "Buiten de EU"),
    "payments.heading": ("Payment methods", "Betaalmethoden"),
    "payments.intro": (
        (
            "To book a payment method on one debtor of WeFact, give the code of that debtor. Empty: a debtor per"
            " customer. ICP sales always get a debtor of their own."
        ),
        (
            "Om een betaalmethode op één debiteur van WeFact te boeken, geeft u de code van die debiteur. Leeg: een"
            " debiteur per klant. ICP-verkopen krijgen altijd een eigen debiteur."
        ),
    ),
    "payments.debtor": ("Debtor code for {method}", "Debiteurcode voor {method}"),
    "payments.empty": ("The shop has no payment methods yet.", "De winkel heeft nog geen betaalmethoden."),
    "golive.heading": ("What is booked, and from when", "Wat er geboekt wordt, en vanaf wanneer"),
    "golive.mode": ("Make an invoice of", "Maak een factuur van"),
    "golive.paid_orders": (
        "each paid order (no credit notes)",
        "elke betaalde bestelling (geen creditnota's)",
    ),
    "golive.order_statuses": (
        "each order with one of these statuses",
        "elke bestelling met een van deze statussen",
    ),
    "golive.invoices": (
        "each invoice of the shop, credit notes too",
        "elke factuur van de winkel, ook creditfacturen",
    ),
    "golive.from": ("Book sales from this day on", "Boek verkopen vanaf deze dag"),
    "golive.status": ("Invoices in WeFact are", "Facturen worden in WeFact"),
    "golive.draft": ("drafts", "concepten"),
    "golive.sent": ("marked as sent", "gemarkeerd als verzonden"),
    "done.heading": ("Ready to start", "Klaar om te beginnen"),
    "done.intro": (
        "Everything is filled in. Start the integration: the shop then tells us of each sale.",
        "Alles is ingevuld. Start de koppeling: de winkel meldt ons dan elke verkoop.",
    ),
    "done.start": ("Start the integration", "Start de koppeling"),
    "overview.heading": ("The integration works", "De koppeling werkt"),
    "overview.edit": ("Change", "Wijzigen"),
    "overview.connected": ("connected", "verbonden"),
    "overview.failed": ("not connected", "niet verbonden"),
    "overview.key": ("Licence key", "Licentiesleutel"),
    "overview.trial": ("Trial until {day}", "Proef tot {day}"),
    "overview.active": ("Subscription active", "Abonnement actief"),
    "overview.password": ("Your password, shown this once", "Uw wachtwoord, deze ene keer getoond"),
    "overview.mailed": ("It was also mailed to {email}.", "Het is ook gemaild aan {email}."),
    "overview.unmailed": (
        "It was not mailed: write it down now.",
        "Het is niet gemaild: schrijf het nu op.",
    ),
    "gone.heading": ("Open this page from your shop", "Open deze pagina vanuit uw winkel"),
    "gone.text": (
        (
            "Your visit ended, or this page was opened elsewhere. Go to the App Store in your shop, open the app and"
            " choose Install or Edit: everything you filled in is kept."
        ),
        (
            "Uw bezoek is verlopen, of deze pagina is elders geopend. Ga naar de App Store in uw winkel, open de app en"
            " kies Installeren of Wijzigen: alles wat u invulde, is bewaard."
        ),
    ),
    "fault.text": (
        "Nothing was changed. Go back and try again; if it stays, mail us what stands here and when it happened.",
        (
            "Er is niets gewijzigd. Ga terug en probeer het opnieuw; blijft het zo, mail ons dan wat hier staat en"
            " wanneer het gebeurde."
        ),
    ),
}


def text(name: str, language: Language, **facts: object) -> str:
    """Return a text. Facts are filled in as they are: whoever puts it on a page escapes the whole."""
    english, dutch = TEXTS[name]
    return (dutch if language == "nl" else english).format(**facts)
