"""The Dutch of Report, Errors, Open, and of one document."""

from __future__ import annotations

WORDS: dict[str, str] = {
    # the line above a list
    "Search: number, customer or e-mail": "Zoek: nummer, klant of e-mail",
    "By month": "Per maand",
    "By quarter": "Per kwartaal",
    "By year": "Per jaar",
    "All there is": "Alles",
    "all there is": "alles",
    "From a day to a day": "Van een dag tot een dag",
    "From and to, such as 2026-01-01 2026-03-31": "Van en tot, zoals 2026-01-01 2026-03-31",
    "Both days are part of it.": "Beide dagen horen erbij.",
    "These are no two days in order.": "Dit zijn geen twee dagen in volgorde.",
    "Reading…": "Lezen…",
    "None.": "Geen.",
    "Nothing is invoiced in this period yet.\nd chooses another; 3 shows what is on its way.": (
        "In deze periode is nog niets gefactureerd.\nd kiest een andere; 3 toont wat onderweg is."
    ),
    "Nothing is on its way. r looks in the shop for what is new.": (
        "Er is niets onderweg. r kijkt in de winkel of er iets nieuws is."
    ),
    "Nothing is ignored. v goes back to what is on its way.": (
        "Er wordt niets genegeerd. v gaat terug naar wat onderweg is."
    ),
    "Nothing is found. Escape clears the search; d changes the period.": (
        "Niets gevonden. Escape wist de zoekopdracht; d wijzigt de periode."
    ),
    "{loaded} of {total}": "{loaded} van {total}",
    "{marked} marked · {told}": "{marked} gemarkeerd · {told}",
    # columns and labels
    "Date": "Datum",
    "Number": "Nummer",
    "Order number": "Bestelnummer",
    "Customer": "Klant",
    "Total": "Totaal",
    "State": "Status",
    "Note": "Opmerking",
    "Count": "Aantal",
    "Cause": "Oorzaak",
    "What": "Wat",
    "Newest": "Nieuwste",
    "Why": "Waarom",
    "Again at": "Opnieuw om",
    "Outcome": "Uitkomst",
    "Description": "Omschrijving",
    "Price excl.": "Prijs excl.",
    "VAT": "btw",
    "Code": "Code",
    "Total excl.": "Totaal excl.",
    "Total incl.": "Totaal incl.",
    "Id": "Id",
    "WeFact id": "WeFact-id",
    "Identifier": "Kenmerk",
    "Done": "Klaar",
    "Tries": "Pogingen",
    "Changed": "Gewijzigd",
    "in the shop since, at {at}": "sindsdien in de winkel, om {at}",
    "changed since": "sindsdien gewijzigd",
    "and {count} more lines": "en nog {count} regels",
    "Country": "Land",
    "Rate": "Tarief",
    "Documents": "Documenten",
    # report
    "What is invoiced in WeFact, newest first, with the figures of the period: euros per VAT rate and per delivery "
    "country, as mapped to the cent. The bars are documents per day. Enter opens a document with its lines, what was "
    "sent to WeFact and why every value is what it is. What is done is never processed again by itself.": (
        "Wat in WeFact gefactureerd is, het nieuwste eerst, met de cijfers van de periode: euro's per btw-tarief en per "
        "afleverland, op de cent zoals geboekt. De staafjes zijn documenten per dag. Enter opent een document met zijn "
        "regels, wat naar WeFact verstuurd is en waarom elke waarde is wat zij is. Wat klaar is, wordt nooit vanzelf "
        "opnieuw verwerkt."
    ),
    "Figures": "Cijfers",
    "Invoiced": "Gefactureerd",
    "documents": "documenten",
    "net": "netto",
    "gross": "bruto",
    "per rate": "per tarief",
    "per country": "per land",
    "and {count} more: f": "en nog {count}: f",
    "Together": "Samen",
    "together": "samen",
    # errors
    "What stopped before anything wrong could be posted, grouped by cause. Choose a cause above, then a document "
    "below. Enter gives more information: the cause, where in the order it lies, and what to do. Mend it in the shop, in "
    "WeFact or in Configuration, then Process: it shows first what would be posted. Space marks several; P takes all "
    "of a cause. Ignore leaves a document alone for good, with a reason.": (
        "Wat gestopt is voordat er iets verkeerds geboekt kon worden, per oorzaak. Kies boven een oorzaak, daaronder een "
        "document. Enter geeft meer informatie: de oorzaak, waar in de bestelling die zit, en wat u kunt doen. Herstel "
        "het in de winkel, in WeFact of bij Configuratie, en kies dan Verwerken: dat toont eerst wat geboekt zou worden. "
        "Spatie markeert er meer; P neemt alles van een oorzaak. Negeren laat een document voorgoed met rust, met een "
        "reden."
    ),
    "More info": "Meer info",
    "Process all of the cause": "Alles van de oorzaak verwerken",
    "Setting": "Instelling",
    "Causes ⇄ documents": "Oorzaken ⇄ documenten",
    "Causes": "Oorzaken",
    "all causes": "alle oorzaken",
    "Nothing stopped. All is well.": "Er is niets gestopt. Alles is in orde.",
    "The total differs from the lines": "Het totaal verschilt van de regels",
    "VAT number of an ICP sale": "Btw-nummer van een ICP-verkoop",
    "No VAT code for this country and rate": "Geen btw-code voor dit land en tarief",
    "Posted already": "Al geboekt",
    "VAT charged where there should be none": "Btw berekend waar die er niet hoort",
    "0 % within the EU without ICP": "0 % binnen de EU zonder ICP",
    "Another currency": "Een andere valuta",
    "WeFact's total differs from ours": "Het totaal van WeFact verschilt van het onze",
    "WeFact": "WeFact",
    "CCV Shop": "CCV Shop",
    "The document cannot be mapped": "Het document kan niet vertaald worden",
    "Keys of the services": "Sleutels van de diensten",
    "The document cannot be read": "Het document kan niet gelezen worden",
    # more info
    "Left what is wrong, why, and what to do about it. Right what the shop sent, with ◀ at the fields that it is about; "
    "n goes to the next of them. Mend it, then Process: it fetches the document anew.": (
        "Links wat er mis is, waarom, en wat u kunt doen. Rechts wat de winkel stuurde, met ◀ bij de velden waar het om "
        "gaat; n gaat naar het volgende. Herstel het en kies Verwerken: het document wordt dan opnieuw opgehaald."
    ),
    "Everything": "Alles",
    "Next mark": "Volgend teken",
    "What the shop sent": "Wat de winkel stuurde",
    "What is wrong": "Wat er mis is",
    "What to do": "Wat te doen",
    "Where": "Waar",
    "Also found": "Ook gevonden",
    "Field of the shop": "Veld van de winkel",
    "goes to the setting {key}": "gaat naar de instelling {key}",
    "No setting mends this; More info says what does.": (
        "Geen instelling herstelt dit; bij Meer info staat wat wel helpt."
    ),
    "Nothing was fetched from the shop yet.": "Er is nog niets uit de winkel opgehaald.",
    # open
    "Orders and invoices that are not processed yet: not in the right status in the shop, in the queue, or waiting for "
    "a service, with the time of the next try. Every night their status is looked at again by itself; r does that now. "
    "Process fetches one at once and shows what would be posted, also of before the go-live. v shows what is ignored "
    "instead; Process takes one of those up again.": (
        "Bestellingen en facturen die nog niet verwerkt zijn: nog niet in de juiste status in de winkel, in de wachtrij, "
        "of wachtend op een dienst, met de tijd van de volgende poging. Elke nacht wordt hun status vanzelf weer bekeken; "
        "r doet dat nu. Verwerken haalt er meteen een op en toont wat geboekt zou worden, ook van voor de ingangsdatum. "
        "v toont wat genegeerd is; Verwerken pakt zo'n document weer op."
    ),
    "Refresh": "Nalopen",
    "Ignored": "Genegeerd",
    "On their way": "Onderweg",
    "Looking in the shop…": "De winkel wordt nagelopen…",
    "Looked in the shop: {count} go on.": "De winkel is nagelopen: {count} gaan verder.",
    # process and ignore
    "Process: what would be posted": "Verwerken: wat geboekt zou worden",
    "Fetching from the shop and mapping; nothing is posted yet…": (
        "Ophalen uit de winkel en vertalen; er wordt nog niets geboekt…"
    ),
    "would be posted": "wordt geboekt",
    "Post": "Boeken",
    "Post {count}": "{count} boeken",
    "To {debtor}": "Aan {debtor}",
    "debtor {debtor}": "debiteur {debtor}",
    "a new debtor": "een nieuwe debiteur",
    "what an earlier try began is brought to its end": "wat een eerdere poging begon, wordt afgemaakt",
    "{count} to be processed now.": "{count} worden nu verwerkt.",
    "Posting is paused: they wait until it is resumed.": "Het boeken is gepauzeerd: ze wachten tot het hervat wordt.",
    "No `mapper run` works on this database now: it is done as soon as one is started.": (
        "Er werkt nu geen `mapper run` op deze database: het gebeurt zodra er een gestart wordt."
    ),
    "Its invoice {invoice} exists with another total": "De factuur {invoice} bestaat met een ander totaal",
    "Take that invoice as it is, once corrected in WeFact": "Die factuur overnemen, nadat zij in WeFact hersteld is",
    "Delete that draft in WeFact and post anew": "Dat concept in WeFact verwijderen en opnieuw boeken",
    "Look in WeFact for {reference}: is its invoice there?": "Zoek in WeFact op {reference}: staat de factuur er?",
    "It is there: leave this document alone": "Hij staat er: laat dit document met rust",
    "It is not there: have it made": "Hij staat er niet: laat hem maken",
    "The reason is kept in the document's history.": "De reden blijft in de geschiedenis van het document.",
    "{document} is {state} now.": "{document} is nu {state}.",
    "Left alone from now on, until Process takes it up again.": "Wordt voortaan met rust gelaten, tot Verwerken het weer oppakt.",
    "Ignore this document": "Dit document negeren",
    "Ignore {count} documents": "{count} documenten negeren",
    "Reason, such as: booked by hand": "Reden, zoals: met de hand geboekt",
    "Ignore all the same?": "Toch negeren?",
    "{count} ignored: {reason}": "{count} genegeerd: {reason}",
    # pause
    "Paused since {at}: {why}": "Gepauzeerd sinds {at}: {why}",
    "Nothing is posted until it is resumed. Nothing gets lost: webhooks are still received.": (
        "Er wordt niets geboekt tot het hervat wordt. Er gaat niets verloren: webhooks komen gewoon binnen."
    ),
    "Posting goes on; {count} documents are taken up.": "Het boeken gaat verder; {count} documenten worden opgepakt.",
    "Posting is paused.": "Het boeken is gepauzeerd.",
    "Resume posting?": "Boeken hervatten?",
    "Pause posting": "Boeken pauzeren",
    "Resume": "Hervatten",
    # one document
    "Everything that is kept of one order or invoice of the shop. 1 to 5 choose a part; x explains the value of the "
    "cursor: the rule and its line, what it was made of, and why other cases did not apply. The explanation uses the "
    "rules and settings of the day it was mapped.": (
        "Alles wat van één bestelling of factuur van de winkel bewaard is. 1 tot 5 kiezen een deel; x legt de waarde van "
        "de cursor uit: de regel en waar die staat, waar zij van gemaakt is, en waarom andere gevallen niet golden. De "
        "uitleg gebruikt de regels en instellingen van de dag waarop het document vertaald werd."
    ),
    "Summary": "Overzicht",
    "Lines": "Regels",
    "Requests": "Verzonden",
    "All fields": "Alle velden",
    "History": "Geschiedenis",
    "Parameter": "Parameter",
    "Value": "Waarde",
    "Field": "Veld",
    "Rule": "Regel",
    "When": "Wanneer",
    "Facts": "Gegevens",
    "Not mapped yet.": "Nog niet vertaald.",
    "Nothing yet.": "Nog niets.",
    "It has no invoice in WeFact yet.": "Er is nog geen factuur in WeFact.",
    "In the shop": "In de winkel",
    "Deleted there": "Daar verwijderd",
    "Changed there": "Daar gewijzigd",
    "Here": "Hier",
    "First seen": "Eerst gezien",
    "Last change": "Laatste wijziging",
    "Worked on by": "Bewerkt door",
    "Settings": "Instellingen",
    "noted": "genoteerd",
    "process": "verwerken gevraagd",
    "again": "opnieuw geboekt",
    "accepted": "overgenomen",
    "ignored by a person": "door een persoon genegeerd",
    "vies": "VIES gevraagd",
    "not mailed": "niet gemaild",
}
