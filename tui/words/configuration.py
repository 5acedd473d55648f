"""The Dutch of Configuration and Profile."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # leaving
    "Leave without saving?": "Weggaan zonder op te slaan?",
    "Changed settings or rules are not saved yet.": "Gewijzigde instellingen of regels zijn nog niet opgeslagen.",
    "Leave": "Weggaan",
    # configuration
    "All settings of the webshop. Left the sections, right the settings; Enter changes one. Nothing holds before w saves it, all at once; u takes the last step back. A setting that does not fit the others says so and keeps the rest from being saved. VAT codes: Enter changes a row, a adds one, c copies the codes of the row to the marked ones, n fills in destination rates (OSS) or those of the home country, Delete removes a row, R all of them. Payment methods: Enter searches the fixed debtor in WeFact. In the history, Enter tells a change and b goes back to what held before it.": (
        "Alle instellingen van de webwinkel. Links de onderdelen, rechts de instellingen; Enter wijzigt er een. Niets geldt "
        "voordat w het opslaat, alles tegelijk; u neemt de laatste stap terug. Een instelling die niet bij de andere past, "
        "zegt dat, en tot die hersteld is wordt niets opgeslagen. Btw-codes: Enter wijzigt een rij, a voegt er een toe, c "
        "kopieert de codes van de rij naar de gemarkeerde, n vult de tarieven van bestemming (OSS) of die van het thuisland "
        "in, Delete verwijdert een rij, R alle. Betaalmethoden: Enter zoekt de vaste debiteur in WeFact. In de geschiedenis "
        "vertelt Enter een wijziging en gaat b terug naar wat daarvoor gold."
    ),
    "Save": "Opslaan",
    "Undo": "Terugnemen",
    "Test": "Testen",
    "Add": "Toevoegen",
    "Fill in": "Invullen",
    "Remove": "Verwijderen",
    "Remove all": "Alles verwijderen",
    "Restore": "Terugzetten",
    "Sections ⇄ settings": "Onderdelen ⇄ instellingen",
    "Connections": "Verbindingen",
    "VAT codes": "Btw-codes",
    "VAT of costs": "Btw op kosten",
    "Payment methods": "Betaalmethoden",
    "Products": "Producten",
    "Checks": "Controles",
    "General": "Algemeen",
    "Who changed what": "Wie wijzigde wat",
    "Section": "Onderdeel",
    "Origin": "Herkomst",
    "Who": "Wie",
    "default": "standaard",
    "set": "ingesteld",
    "not saved": "niet opgeslagen",
    "{count} not saved: w saves, u undoes": "{count} niet opgeslagen: w slaat op, u neemt terug",
    "{count} not right: cannot be saved": "{count} niet juist: opslaan kan niet",
    "Testing the connections…": "De verbindingen worden getest…",
    "● good, ▲ to look at, ✗ bad. t tests again.": "● goed, ▲ om naar te kijken, ✗ fout. t test opnieuw.",
    "Shop key": "Sleutel winkel",
    "WeFact key": "Sleutel WeFact",
    "Enter gives new keys": "Enter geeft nieuwe sleutels",
    "Enter gives a new key": "Enter geeft een nieuwe sleutel",
    "Both connections are tried with it before it is kept.": (
        "Beide verbindingen worden ermee geprobeerd voordat hij bewaard wordt."
    ),
    "Both connections work with the new keys.": "Beide verbindingen werken met de nieuwe sleutels.",
    "Public key": "Publieke sleutel",
    "Secret key": "Geheime sleutel",
    "API key": "API-sleutel",
    "first settings": "eerste instellingen",
    "Enter tells the change; b goes back to what held before it, to be saved with w.": (
        "Enter vertelt de wijziging; b gaat terug naar wat daarvoor gold, op te slaan met w."
    ),
    "Settings {revision}, by {who}": "Instellingen {revision}, door {who}",
    "What held before revision {revision}; w saves it.": "Wat voor revisie {revision} gold; w slaat het op.",
    "Before the first settings there were none.": "Voor de eerste instellingen waren er geen.",
    "Saved as settings {revision}.": "Opgeslagen als instellingen {revision}.",
    "Nothing to save.": "Er is niets op te slaan.",
    "Not everything is right yet.": "Nog niet alles is juist.",
    "Webhooks are of the mode: register them anew with `mapper tenant set --webhook-url`.": (
        "Webhooks horen bij de werkwijze: meld ze opnieuw aan met `mapper tenant set --webhook-url`."
    ),
    "Rates by law are rows of their own: mapper tenant set --settings FILE": (
        "Wettelijke tarieven zijn eigen rijen: mapper tenant set --settings BESTAND"
    ),
    # VAT codes
    "Which tax code of WeFact each country, rate and account type is booked with. ✓ the codes exist, ✗ one is missing: documents that need it stop.": (
        "Met welke btw-code van WeFact elk land, tarief en soort geboekt wordt. ✓ de codes bestaan, ✗ er ontbreekt een: "
        "documenten die hem nodig hebben, stoppen."
    ),
    "Revenue": "Omzet",
    "Shipping": "Verzending",
    "Payment": "Betaling",
    "Shipping costs": "Verzendkosten",
    "Payment costs": "Betaalkosten",
    "Cost centres": "Kostenplaatsen",
    "cost centre": "kostenplaats",
    "tax code": "btw-code",
    "Rate in %": "Tarief in %",
    "choose a code": "kies een code",
    "{code} (not in WeFact)": "{code} (niet in WeFact)",
    "Shipping and payment are as revenue where they are left empty.": (
        "Verzending en betaling zijn als omzet waar ze leeg blijven."
    ),
    "ICP: businesses in the EU": "ICP: bedrijven in de EU",
    "International: outside the EU": "International: buiten de EU",
    "Icp": "ICP",
    "International": "International",
    "Not sold to yet: Enter fills one in": "Nog niet aan verkocht: Enter vult er een in",
    "Mark rows with space, then c copies the codes of the cursor's row to them.": (
        "Markeer rijen met spatie; c kopieert er dan de codes van de rij van de cursor naartoe."
    ),
    "Copied to {count} rows; not saved yet.": "Naar {count} rijen gekopieerd; nog niet opgeslagen.",
    "WeFact's codes are not known: test the connections.": "De codes van WeFact zijn niet bekend: test de verbindingen.",
    "Fill in the VAT codes that fit": "De btw-codes invullen die passen",
    "Each EU country at its own rates (OSS)": "Elk EU-land tegen zijn eigen tarieven (OSS)",
    "Each EU country at the home country's rates": "Elk EU-land tegen de tarieven van het thuisland",
    "{count} rows; {undecided} to choose yourself: no code or more than one fits.": (
        "{count} rijen; {undecided} om zelf te kiezen: er past geen code, of meer dan een."
    ),
    "Add a rate": "Een tarief toevoegen",
    "Two capital letters, such as DE.": "Twee hoofdletters, zoals DE.",
    "Remove VAT settings": "Btw-instellingen verwijderen",
    "All VAT codes are removed, to start over. Documents stop until there are new ones.": (
        "Alle btw-codes worden verwijderd, om opnieuw te beginnen. Documenten stoppen tot er nieuwe zijn."
    ),
    "Type {name}": "Typ {name}",
    "Take over": "Overnemen",
    # payment methods
    "Payment method": "Betaalmethode",
    "Fixed debtor": "Vaste debiteur",
    "each customer's own": "die van elke klant zelf",
    "Not set: each customer's own debtor": "Niet ingesteld: debiteur van de klant zelf",
    "Invoices of a method with a fixed debtor all go to that debtor; ICP never does.": (
        "Facturen van een methode met een vaste debiteur gaan allemaal naar die debiteur; ICP nooit."
    ),
    "None: a adds one.": "Geen: a voegt er een toe.",
    "Add a payment method": "Een betaalmethode toevoegen",
    "As the shop writes it; hyphens and capitals do not matter.": (
        "Zoals de winkel haar schrijft; koppeltekens en hoofdletters maken niet uit."
    ),
    "Fixed debtor of {method}": "Vaste debiteur van {method}",
    "All its invoices go to this debtor; not those of ICP, which always have the customer's own.": (
        "Al haar facturen gaan naar deze debiteur; niet die van ICP, die altijd de klant zelf hebben."
    ),
    "Search in WeFact: code, company, name or e-mail": "Zoek in WeFact: code, bedrijf, naam of e-mail",
    "Searching in WeFact…": "Zoeken in WeFact…",
    "Enter searches; Enter on a row takes it.": "Enter zoekt; Enter op een rij neemt die.",
    "No fixed debtor": "Geen vaste debiteur",
    "Name": "Naam",
    "Place, e-mail": "Plaats, e-mail",
    # fields
    "Values, with spaces between them; empty for none": "Waarden, met spaties ertussen; leeg voor geen",
    "From {low} to {high}": "Van {low} tot {high}",
    "May be empty": "Mag leeg zijn",
    "WeFact's own": "die van WeFact zelf",
    # profile
    "Who the webshop is here: its licence key and state, where mails go, the invoices of the subscription, and the questions asked. Enter changes or opens the row of the cursor. Pause holds posting until it is resumed; nothing gets lost. Stopping the integration destroys its keys: documents and history stay.": (
        "Wie de webwinkel hier is: de licentiesleutel en zijn status, waar mails heen gaan, de facturen van het abonnement, "
        "en de gestelde vragen. Enter wijzigt of opent de rij van de cursor. Pauzeren houdt het boeken op tot het hervat "
        "wordt; er gaat niets verloren. De koppeling stoppen vernietigt haar sleutels: documenten en geschiedenis blijven."
    ),
    "Ask us": "Vraag ons",
    "Ask us…": "Vraag ons…",
    "Pause": "Pauze",
    "Language": "Taal",
    "Stop the integration": "De koppeling stoppen",
    "Webshop": "Webwinkel",
    "Licence key": "Licentiesleutel",
    "installing": "wordt geïnstalleerd",
    "trial": "proef",
    "active": "actief",
    "stopped": "gestopt",
    "until {day}": "tot {day}",
    "Posting": "Boeken",
    "on": "aan",
    "paused since {at}: {why}": "gepauzeerd sinds {at}: {why}",
    "Live since": "Live sinds",
    "Terms accepted": "Voorwaarden geaccepteerd",
    "version {version}, {at}": "versie {version}, {at}",
    "not yet": "nog niet",
    "Other webshops": "Andere webwinkels",
    "Contact": "Contact",
    "E-mail": "E-mail",
    "Second e-mail": "Tweede e-mail",
    "Address": "Adres",
    "Language of mails": "Taal van mails",
    "Language of these screens": "Taal van deze schermen",
    "Mails about new errors and what waits too long go there.": (
        "Mails over nieuwe fouten en wat te lang wacht, gaan daarheen."
    ),
    "Mails about this webshop also go there; a dash removes it.": (
        "Mails over deze webwinkel gaan ook daarheen; een streepje verwijdert het."
    ),
    "Changed.": "Gewijzigd.",
    "Password": "Wachtwoord",
    "none: Enter gives one": "geen: Enter geeft er een",
    "New password": "Nieuw wachtwoord",
    "At least 12 characters. The merchant logs in with the licence key and this password.": (
        "Minstens 12 tekens. De merchant logt in met de licentiesleutel en dit wachtwoord."
    ),
    "The same once more.": "Nog een keer hetzelfde.",
    "These are two different passwords: nothing was changed.": (
        "Dit zijn twee verschillende wachtwoorden: er is niets gewijzigd."
    ),
    "The password is changed.": "Het wachtwoord is gewijzigd.",
    "Invoices of the subscription": "Facturen van het abonnement",
    "Saved as {file}": "Opgeslagen als {file}",
    "Questions and problems": "Vragen en problemen",
    "None: a asks us something.": "Geen: a vraagt ons iets.",
    "answered": "beantwoord",
    "closed": "gesloten",
    "Technique": "Techniek",
    "{host}, last sign {at}": "{host}, laatste teken {at}",
    "has not run yet": "heeft nog niet gedraaid",
    "Webhooks": "Webhooks",
    "none: only the sweep finds documents": "geen: documenten worden alleen bij het nalopen gevonden",
    "as shipped": "zoals geleverd",
    "Database": "Database",
    "Enter; its keys are destroyed": "Enter; haar sleutels worden vernietigd",
    "Nothing is received or posted any more, webhooks are removed from the shop, and the keys are destroyed. Documents and history stay. This cannot be undone without new keys.": (
        "Er wordt niets meer ontvangen of geboekt, webhooks worden uit de winkel verwijderd, en de sleutels worden "
        "vernietigd. Documenten en geschiedenis blijven. Zonder nieuwe sleutels is dit niet terug te draaien."
    ),
    "The reason is kept in the history.": "De reden blijft in de geschiedenis.",
    "Stop {name}?": "{name} stoppen?",
    "Stop": "Stoppen",
    "{name} is stopped.": "{name} is gestopt.",
    # questions
    "Report problem": "Probleem melden",
    "We answer by mail, and under Profile. Do not put passwords or keys in it.": (
        "We antwoorden per mail, en bij Profiel. Zet er geen wachtwoorden of sleutels in."
    ),
    "Your question": "Uw vraag",
    "Everything needed to look into {document} goes along, without the customer's data.": (
        "Alles wat nodig is om {document} te bekijken, gaat mee, zonder de gegevens van de klant."
    ),
    "What did you try, what do you expect?": "Wat hebt u geprobeerd, wat verwacht u?",
    "Ticket {number}: {subject}": "Melding {number}: {subject}",
    "Answer": "Antwoord",
}
