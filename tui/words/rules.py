"""The Dutch of Rules."""

from __future__ import annotations

WORDS: dict[str, str] = {
    "The rules in a folder of their own, made of those in use at the first save. Left their tree, in the middle the editor: problems are told and marked while you type, the right arrow takes a proposed field name, Escape leaves it. Marks tell how far the cases reach a rule (✓ wholly, ◐ in part, ○ not), the edge of the editor how many cases, branches and newest documents do. Right what the rules as they stand would change in a real document, and in the newest thousand; F6 chooses another. F2 saves, F3 counts what the newest documents ask of the tables, F7 runs the cases, F8 goes to the next problem, F9 shows the effect on the whole history in euros, F10 publishes: the running mapper takes them over.": (
        "De regels in een eigen map, bij de eerste keer opslaan gemaakt van die in gebruik. Links hun boom, in het midden de "
        "editor: fouten worden gemeld en gemarkeerd terwijl u typt, pijl rechts neemt een voorgestelde veldnaam over, Escape "
        "verlaat hem. Tekens zeggen hoever de gevallen een regel bereiken (✓ geheel, ◐ deels, ○ niet), de rand van de editor "
        "hoeveel gevallen, takken en nieuwste documenten dat doen. Rechts wat de regels zoals ze er staan in een echt document en in de nieuwste duizend zouden wijzigen; F6 kiest een ander. F2 "
        "slaat op, F3 telt wat de nieuwste documenten van de tabellen vragen, F7 draait de gevallen, F8 gaat naar de volgende fout, F9 toont het effect op de hele geschiedenis in "
        "euro's, F10 publiceert: de draaiende mapper neemt ze over."
    ),
    "Census": "Telling",
    "newest {count}: {others} others, {stops} stop, € {moved}": "nieuwste {count}: {others} anders, {stops} stoppen, € {moved}",
    "no case": "geen geval",
    "1 case": "1 geval",
    "{count} cases": "{count} gevallen",
    "{reached} of {count} branches": "{reached} van {count} takken",
    "here {cases}": "hier {cases}",
    "{hits} × in {count} documents": "{hits} × in {count} documenten",
    "{missed} without a row": "{missed} zonder rij",
    "{mark} no case reaches {rule}": "{mark} geen geval bereikt {rule}",
    "cases reach {percent} %": "gevallen bereiken {percent} %",
    "Counting…": "Er wordt geteld…",
    "What the newest {count} documents asked of the tables": "Wat de nieuwste {count} documenten van de tabellen vroegen",
    "Enter makes a value a row · Escape closes": "Enter maakt van een waarde een rij · Escape sluit",
    "Row or value": "Rij of waarde",
    "Gives": "Geeft",
    "Note": "Opmerking",
    "No table was asked anything.": "Aan geen tabel is iets gevraagd.",
    "an earlier row takes it: {by}": "een eerdere rij neemt het: {by}",
    "never": "nooit",
    "such as {document}": "zoals {document}",
    "That is a list of the settings: Configuration adds to it.": "Dat is een lijst van de instellingen: Configuratie vult die aan.",
    "What '{value}' gives": "Wat '{value}' geeft",
    "Document": "Document",
    "Cases": "Gevallen",
    "Next problem": "Volgende fout",
    "Impact": "Effect",
    "Publish": "Publiceren",
    "Edit": "Bewerken",
    "Place": "Plaats",
    "Problem": "Fout",
    "Problems": "Fouten in de regels",
    "In use": "In gebruik",
    "Now": "Nu",
    "What would change": "Wat zou wijzigen",
    "Document {number}, total {total}": "Document {number}, totaal {total}",
    "Nothing: as the rules in use.": "Niets: zoals de regels in gebruik.",
    "No document was fetched yet.": "Er is nog geen document opgehaald.",
    "✓ The rules load.": "✓ De regels laden.",
    "{count} problems": "{count} fouten",
    "valid": "geldig",
    "Saved in {folder}; not published yet.": "Opgeslagen in {folder}; nog niet gepubliceerd.",
    "Try the rules on": "Probeer de regels op",
    "The rules do not load: F8 goes to the problem.": "De regels laden niet: F8 gaat naar de fout.",
    "All {count} cases hold.": "Alle {count} gevallen kloppen.",
    "{failed} of {count} cases differ": "{failed} van {count} gevallen verschillen",
    "Mapping the history again…": "De geschiedenis wordt opnieuw vertaald…",
    "Of {count} documents {stops} would stop that went through; € {moved} would be booked otherwise.": (
        "Van {count} documenten zouden er {stops} stoppen die doorgingen; € {moved} zou anders geboekt worden."
    ),
    "Effect on the history": "Effect op de geschiedenis",
    "{count} documents mapped again.": "{count} documenten opnieuw vertaald.",
    "Nothing would be another.": "Er zou niets anders zijn.",
    "stops": "stopt",
    "stops by": "stopt door",
    "changed": "gewijzigd",
    "cured": "hersteld",
    "stops otherwise": "stopt anders",
    "unsent": "niet verzonden",
    "remarks": "opmerkingen",
    "Publish the rules": "De regels publiceren",
    "Cases and overlays are tried first. Running mappers take the rules over; documents remember theirs.": (
        "Gevallen en afwijkingen worden eerst geprobeerd. Draaiende mappers nemen de regels over; documenten onthouden de hunne."
    ),
    "What changed, and why": "Wat er wijzigde, en waarom",
    "Published {rules}; {count} cases hold.": "{rules} gepubliceerd; {count} gevallen kloppen.",
    "These are the rules in use already.": "Deze regels zijn al in gebruik.",
    "Not published": "Niet gepubliceerd",
}
