"""The Dutch of what commands say besides their records: progress, hints, what the doctor found."""

from __future__ import annotations

from functools import lru_cache

from mapper.phrases import Phrasebook, dutch

# `{}` stands for what is taken over, or for a phrase that stands here or in mapper/phrases.py.
TALK = {
    # init, run, process, ignore, pause, resume
    "Made the key in {}; the database is {}.": "De sleutel is gemaakt in {}; de database is {}.",
    "Kept the key in {}; the database is {}.": "De sleutel in {} is gebleven; de database is {}.",
    "Next: mapper tenant add NAME": "Nu: mapper tenant add NAAM",
    "No `mapper run` works on this database now: it is done as soon as one is started.": (
        "Er werkt nu geen `mapper run` op deze database: het gebeurt zodra er een gestart wordt."
    ),
    "{}: would be posted.": "{}: zou geboekt worden.",
    "{}: would be posted (what an earlier try began is brought to its end).": (
        "{}: zou geboekt worden (wat een eerdere poging begon, wordt afgemaakt)."
    ),
    "{}: would not be posted: {}": "{}: zou niet geboekt worden: {}",
    "{}: {}; invoice {} stays in WeFact": "{}: {}; factuur {} blijft in WeFact",
    "{}: queued": "{}: in de wachtrij",
    "{}: done": "{}: klaar",
    "{}: ignored": "{}: genegeerd",
    "Paused {}.": "{} is gepauzeerd.",
    "Resumed {}; {} document(s) go on.": "{} is hervat; {} document(en) gaan verder.",
    "every webshop": "elke webwinkel",
    "Still paused: {} ({}). To end that: mapper resume --tenant {}": (
        "Nog gepauzeerd: {} ({}). Om dat te beëindigen: mapper resume --tenant {}"
    ),
    "Posting is paused since {}: {}. To go on: mapper resume": (
        "Het boeken is gepauzeerd sinds {}: {}. Om verder te gaan: mapper resume"
    ),
    "Posting is paused since {}: {}. Give its keys with `mapper tenant set`, then: mapper tenant start {}": (
        "Het boeken is gepauzeerd sinds {}: {}. Geef de sleutels op met `mapper tenant set`, en dan: "
        "mapper tenant start {}"
    ),
    "The first {}; see more with --limit.": "De eerste {}; met --limit ziet u er meer.",
    "None.": "Geen.",
    "Interrupted.": "Onderbroken.",
    "made again; earlier: {}": "opnieuw gemaakt; eerder: {}",
    "changed in the shop since": "sindsdien in de winkel gewijzigd",
    "Proposed {} VAT rates; see and change them with: mapper tenant vat NAME": (
        "{} btw-tarieven voorgesteld; bekijk en wijzig ze met: mapper tenant vat NAAM"
    ),
    # purge, tenant erase
    "Erased from {} document(s) of {}; backups keep it until they are removed.": (
        "Gewist uit {} document(en) van {}; back-ups houden het tot ze verwijderd zijn."
    ),
    "{} is not finished and still names them.": "{} is niet klaar en noemt hen nog.",
    "DOCUMENTS": "DOCUMENTEN",
    "DELIVERIES": "BERICHTEN",
    "TICKETS": "MELDINGEN",
    "{}: seeds {}-{}, {} kills ({} not at their point), {} lost answers, "
    "{} orders, {} invoices: {} lost, {} doubled, {} wrong": (
        "{}: zaden {}-{}, {} keer gedood ({} niet op het punt), {} antwoorden verloren, "
        "{} bestellingen, {} facturen: {} verloren, {} dubbel, {} fout"
    ),
    # ticket
    "Ticket {} of {}: {}": "Melding {} van {}: {}",
    "Answered ticket {} of {}.": "Melding {} van {} is beantwoord.",
    "Closed ticket {} of {}.": "Melding {} van {} is gesloten.",
    "KIND": "SOORT",
    "SUBJECT": "ONDERWERP",
    # key
    "Copy {} to the other machines, then: mapper key rotate": (
        "Kopieer {} naar de andere machines, en dan: mapper key rotate"
    ),
    "{} secrets are sealed with key {}. Copy {}, then: mapper key forget": (
        "{} bewaarde geheimen zijn verzegeld met sleutel {}. Kopieer {}, en dan: mapper key forget"
    ),
    "Remove the old keys? Backups from before need them.": "De oude sleutels verwijderen? Oude back-ups vragen ze.",
    "Removed {} old keys.": "{} oude sleutels verwijderd.",
    "SECRETS": "GEHEIMEN",
    "USE": "GEBRUIK",
    # tenant licence, password, stop, start, document; support
    "The licence key is {}; the password is changed.": "De licentiesleutel is {}; het wachtwoord is gewijzigd.",
    "Stop {}? Its keys are destroyed.": "{} stoppen? De sleutels worden vernietigd.",
    "The shop could not be told; its webhooks lead nowhere now.": (
        "De winkel kon het niet horen; haar webhooks leiden nu nergens meer heen."
    ),
    "{} is stopped: nothing is posted any more, its keys are destroyed.": (
        "{} is gestopt: er wordt niets meer geboekt, de sleutels zijn vernietigd."
    ),
    "{} works again; register its webhooks with --webhook-url.": (
        "{} werkt weer; meld de webhooks aan met --webhook-url."
    ),
    "{}: kept {} as number {}.": "{}: {} bewaard als nummer {}.",
    "Added {}; the password is shown this once.": "{} is toegevoegd; het wachtwoord wordt deze ene keer getoond.",
    "The password of {} is changed.": "Het wachtwoord van {} is gewijzigd.",
    "KEY": "SLEUTEL",
    "TRIAL UNTIL": "PROEF TOT",
    "EMAIL": "E-MAIL",
    "EXTRA EMAIL": "EXTRA E-MAIL",
    "LANGUAGE": "TAAL",
    "PASSWORD": "WACHTWOORD",
    "WEBSHOPS": "WINKELS",
    "DATED": "DATUM",
    "SIZE": "BYTES",
    "SINCE": "SINDS",
    # explain CODE
    "code": "code",
    "message": "melding",
    "cause": "oorzaak",
    "remedy": "wat te doen",
    "example": "voorbeeld",
    # titles of columns
    "DATE": "DATUM",
    "NUMBER": "NUMMER",
    "CUSTOMER": "KLANT",
    "TOTAL": "TOTAAL",
    "STATE": "STATUS",
    "NEXT": "VOLGENDE",
    "WHY": "WAAROM",
    "LICENCE": "LICENTIE",
    "CAUSE": "OORZAAK",
    "INVOICE": "FACTUUR",
    "NOTE": "OPMERKING",
    "TENANT": "WINKEL",
    "NAME": "NAAM",
    "HOME": "LAND",
    "GO LIVE": "INGANG",
    "DONE": "KLAAR",
    "ERRORS": "FOUTEN",
    "PAUSED": "GEPAUZEERD",
    "COUNTRY": "LAND",
    "RATE": "TARIEF",
    "ACCOUNT": "REKENING",
    "COST CENTRE": "KOSTENPLAATS",
    "EXISTS": "BESTAAT",
    "REVISION": "REVISIE",
    "AT": "OP",
    "WHO": "WIE",
    "CHANGED": "GEWIJZIGD",
    # map, check, explain, test, rules
    "{}: no problems. Rules {}.": "{}: geen fouten. Regels {}.",
    "{}: at most {} operations a document and {} a row.": "{}: hooguit {} bewerkingen per document en {} per regel.",
    "{} cases in {} files: {} right, {} wrong.": "{} gevallen in {} bestanden: {} goed, {} fout.",
    "{} problems keep cases from being run.": "Door {} fouten zijn er gevallen niet uitgevoerd.",
    "Coverage {} %: {} of {} rules, rows and checks.": "Dekking {} %: {} van {} regels, rijen en controles.",
    "--coverage names the others.": "--coverage noemt de andere.",
    "expected": "verwacht",
    "got": "kreeg",
    "not covered": "niet gedekt",
    "{} as mapped at {} with rules {}, settings {}.": "{} zoals omgezet op {} met regels {}, instellingen {}.",
    "The rules of today are others: {}.": "De regels van nu zijn andere: {}.",
    "This version of the program calculates otherwise than that of the day.": (
        "Deze versie van het programma rekent anders dan die van toen."
    ),
    "{}: {} replaces {}": "{}: {} vervangt {}",
    "{}: {} is new": "{}: {} is nieuw",
    "{}: the overlay is removed.": "{}: de overlay is verwijderd.",
    "{}: the overlay is in use, rules {}.": "{}: de overlay is in gebruik, regels {}.",
    "{} has no overlay.": "{} heeft geen overlay.",
    "Wrote {}.": "Geschreven: {}.",
    "No rules are published: the shipped ones are in use, or those `mapper run` was started with.": (
        "Er zijn geen regels gepubliceerd: de meegeleverde zijn in gebruik, of die waarmee `mapper run` is gestart."
    ),
    "{} and {} are the same.": "{} en {} zijn gelijk.",
    "These rules have no cases: only loading them was tried.": (
        "Deze regels hebben geen gevallen: alleen het laden is geprobeerd."
    ),
    "Rules {} are active: {}.": "Regels {} zijn actief: {}.",
    "Rules {} were active already: nothing changed.": "Regels {} waren al actief: er is niets veranderd.",
    # tenant
    "Both connections work; added {} (home country {}).": "Beide verbindingen werken; {} is toegevoegd (thuisland {}).",
    "No webhooks: give --webhook-url to `mapper tenant set`, else only the sweep finds orders.": (
        "Geen webhooks: geef --webhook-url aan `mapper tenant set`, anders worden bestellingen alleen bij het nalopen "
        "gevonden."
    ),
    "{}: live since {}, settings {}": "{}: in gebruik sinds {}, instellingen {}",
    "keys: {}; webhooks: {}": "sleutels: {}; webhooks: {}",
    "none": "geen",
    "{}: webhooks without a signature are refused.": "{}: webhooks zonder ondertekening worden geweigerd.",
    "{}: webhooks without a signature are accepted.": "{}: webhooks zonder ondertekening worden aanvaard.",
    "Registered webhooks for {}.": "Webhooks zijn aangemeld voor {}.",
    "WeFact has no tax code {}: documents that need": "WeFact heeft geen btw-code {}: documenten die zo'n code",
    "one will stop with an error. WeFact has: {}.": "nodig hebben, stoppen met een fout. WeFact heeft: {}.",
    "{}: settings {}.": "{}: instellingen {}.",
    "{}: settings {}, {} VAT rates.": "{}: instellingen {}, {} btw-tarieven.",
    "Webhooks are of the mode: register them anew with --webhook-url, else only the sweep finds documents.": (
        "Webhooks horen bij de modus: meld ze opnieuw aan met --webhook-url, anders worden documenten alleen bij het "
        "nalopen gevonden."
    ),
    "{}: both connections work with the new keys.": "{}: beide verbindingen werken met de nieuwe sleutels.",
    "{} is visible to other users of this machine: prefer {}-file or {}-env.": (
        "{} is zichtbaar voor andere gebruikers van deze machine: gebruik liever {}-file of {}-env."
    ),
    "{} of {} are not set, or their code is unknown in WeFact: documents that need them stop.": (
        "{} van {} zijn niet ingesteld, of hun code is onbekend in WeFact: documenten die ze nodig hebben, stoppen."
    ),
    "{}: nothing to change.": "{}: er is niets te wijzigen.",
    "Nothing was changed.": "Er is niets gewijzigd.",
    "{} %: removed": "{} %: verwijderd",
    "{} %: choose yourself among {}": "{} %: kies zelf uit {}",
    "none in WeFact": "geen in WeFact",
    # impact
    "Edited: {}.": "Gewijzigd: {}.",
    "No rule and no setting says anything else.": "Geen regel en geen instelling zegt iets anders.",
    "Of {} stored documents {} invoices would be others, {} would stop, {} would go through; {} stay as they are.": (
        "Van {} bewaarde documenten zouden {} facturen anders zijn, {} stoppen en {} doorgaan; {} blijven gelijk."
    ),
    "€ {} would be booked otherwise.": "€ {} zou anders geboekt worden.",
    "{} documents could not be read and were left out.": "{} documenten waren niet te lezen en zijn overgeslagen.",
    "{} more groups: --all shows them.": "Nog {} groepen: --all toont ze.",
    "Nothing was published.": "Er is niets gepubliceerd.",
    "The rules in use do not load in this version of the program: nothing can be compared with them.": (
        "De regels in gebruik laden niet in deze versie van het programma: er valt niets mee te vergelijken."
    ),
    "Impact of the change": "Gevolg van de wijziging",
    "Per VAT rate": "Per btw-tarief",
    "By identical change": "Per gelijke wijziging",
    "would stop": "zou stoppen",
    "other invoice": "andere factuur",
    "would go through": "zou doorgaan",
    "The dashboard is at {}; Ctrl-C stops it.": "Het dashboard staat op {}; Ctrl-C stopt het.",
    "stops by": "stopt door",
    "stops for another reason": "stopt om een andere reden",
    "nothing sent differs": "niets anders verstuurd",
    "only other remarks": "alleen andere opmerkingen",
    "no longer there": "er niet meer",
    "document(s)": "document(en)",
    "by": "door",
    "(the values are those of the example)": "(de waarden zijn die van het voorbeeld)",
    "EFFECT": "GEVOLG",
    "CHANGE": "WIJZIGING",
    "RULE": "REGEL",
    "EXAMPLE": "VOORBEELD",
    # check --deep
    "{} invariants over {} made-up documents, of which {} would be posted (seed {}).": (
        "{} invarianten over {} verzonnen documenten, waarvan er {} geboekt zouden worden (seed {})."
    ),
    "There is no database here: nothing was proven over history.": (
        "Er is hier geen database: over het verleden is niets bewezen."
    ),
    "Over history: {} documents that would be posted.": "Over het verleden: {} documenten die geboekt zouden worden.",
    "All invariants hold.": "Alle invarianten gelden.",
    "{} times an invariant does not hold.": "{} keer geldt een invariant niet.",
    "These rules have no invariants.": "Deze regels hebben geen invarianten.",
    # golden, test --groups
    "{} cases reach the {} ways of {} documents through the rules.": (
        "{} gevallen bereiken de {} wegen van {} documenten door de regels."
    ),
    "{} {} was left out: without its customer it comes to something else.": (
        "{} {} is weggelaten: zonder de klant komt er iets anders uit."
    ),
    "Accept one: the same with --accept N in place of --groups.": (
        "Neem er een over: hetzelfde met --accept N in plaats van --groups."
    ),
    "Every case is right.": "Elk geval klopt.",
    "CASE": "GEVAL",
    "CASES": "GEVALLEN",
    "GROUP": "GROEP",
    "EXPECTATIONS": "VERWACHTINGEN",
    # census
    "{}: reads {}, which none of {} documents ({}) has.": "{}: leest {}, wat geen van {} documenten ({}) heeft.",
    "{}: reads {}, which none of {} documents ({}) has. Did you mean {}?": (
        "{}: leest {}, wat geen van {} documenten ({}) heeft. Bedoelde u {}?"
    ),
    "Counted over {}.": "Geteld over {}.",
    "There are no stored documents to count over.": "Er zijn geen bewaarde documenten om over te tellen.",
    "no row": "geen rij",
    "such as": "zoals",
    "never": "nooit",
    "taken by": "genomen door",
    "entries of the settings: never": "ingangen van de instellingen: nooit",
    "TABLE": "TABEL",
    "ROW": "RIJ",
    "FIELD": "VELD",
    "SEEN": "GEZIEN",
    "TYPES": "SOORTEN",
    "READ": "GELEZEN",
    # doctor
    "look": "kijk",
    "BAD": "FOUT",
    "key": "sleutel",
    "rules": "regels",
    "VAT rates": "btw-tarieven",
    "published rules": "gepubliceerde regels",
    "rules in use": "regels in gebruik",
    "limits": "limieten",
    "pause": "pauze",
    "documents": "documenten",
    "tax codes": "btw-codes",
    "webshops": "webwinkels",
    "the services' keys can be read; it is in no backup: keep a copy apart": (
        "de sleutels van de diensten zijn leesbaar; hij zit in geen back-up: bewaar apart een kopie"
    ),
    "there is none yet": "er is er nog geen",
    "loaded, {}": "geladen, {}",
    "the shipped ones were compared with their sources {} days ago": (
        "de meegeleverde zijn {} dagen geleden met hun bronnen vergeleken"
    ),
    "Update the mapper, or check the rates you sell at yourself.": (
        "Werk de mapper bij, of controleer zelf de tarieven waartegen u verkoopt."
    ),
    "{} refused, {} stay in use: {}": "{} geweigerd, {} blijven in gebruik: {}",
    "Publish rules that load, or: mapper rules rollback HASH --message TEXT": (
        "Publiceer regels die laden, of: mapper rules rollback HASH --message TEKST"
    ),
    "{}, not yet those published": "{}, nog niet de gepubliceerde",
    "changes {} rules, {}": "verandert {} regels, {}",
    "runs on {} (process {})": "draait op {} (proces {})",
    "silent since {}": "stil sinds {}",
    "has not run yet": "heeft nog niet gedraaid",
    "Start it: mapper run": "Start hem: mapper run",
    "{} calls to WeFact may be made at once": "{} aanroepen van WeFact mogen meteen",
    "WeFact's firewall shut this address out until {}": "De firewall van WeFact heeft dit adres buitengesloten tot {}",
    "Wait; calls before that make it last longer.": "Wacht; aanroepen voor die tijd maken het langer.",
    "every webshop is paused: {}": "elke webwinkel is gepauzeerd: {}",
    "paused: {}": "gepauzeerd: {}",
    "comparison": "vergelijking",
    "shop and WeFact were not compared yet": "winkel en WeFact zijn nog niet vergeleken",
    "of {}: {} eligible = {} done + {} error + {} waiting + {} ignored + {} missing; {} difference(s), {} accepted": (
        "van {}: {} te boeken = {} klaar + {} fout + {} wacht + {} genegeerd + {} ontbreekt; "
        "{} verschil(len), {} aanvaard"
    ),
    "`mapper run` compares every night at 3.17": "`mapper run` vergelijkt elke nacht om 3.17",
    "none: only the sweep finds orders": "geen: bestellingen worden alleen bij het nalopen gevonden",
    "{} document(s) stopped with an error": "{} document(en) zijn met een fout gestopt",
    "connected to {}": "verbonden met {}",
    "connected": "verbonden",
    "the shop no longer has those for {}": "de winkel heeft die voor {} niet meer",
    "{} registered": "{} aangemeld",
    "WeFact has no {}; it has {}": "WeFact heeft geen {}; wel {}",
    "Set the codes you use: mapper tenant set {} --settings FILE": (
        "Stel de codes in die u gebruikt: mapper tenant set {} --settings BESTAND"
    ),
    "WeFact has every one in the settings": "WeFact heeft alle codes van de instellingen",
    # backup, database
    "Wrote the backup {}. The sealing key is not in it: keep a copy of {} apart from it.": (
        "De back-up {} is geschreven. De sleutel zit er niet in: bewaar apart daarvan een kopie van {}."
    ),
    "Copied {} rows to {}; the database they came from is paused.": (
        "Er zijn {} rijen naar {} gekopieerd; de database waar ze uit komen, is gepauzeerd."
    ),
    "Next: mapper --database TO run, with the same sealing key.": (
        "Nu: mapper --database TO run, met dezelfde sleutel."
    ),
    "Noted: whatever may have been posted since {} is looked for first.": (
        "Genoteerd: wat sinds {} geboekt kan zijn, wordt eerst opgezocht."
    ),
    # doctor --probe
    "{} is paused ({}): nothing is posted for its orders, but the probe would post.": (
        "{} is gepauzeerd ({}): voor zijn bestellingen wordt niets geboekt, maar de meting zou boeken."
    ),
    "Post one draft to the WeFact of {}, and delete it again?": (
        "Eén concept naar de WeFact van {} sturen en weer verwijderen?"
    ),
    "Set it: mapper tenant set {}  (or probe with --set)": "Stel het in: mapper tenant set {}  (of meet met --set)",
    "rounding model           {}; the setting invoice.rounding_model is {}": (
        "afrondingsmodel          {}; de instelling invoice.rounding_model is {}"
    ),
    "none of the five known (its totals: {})": "geen van de vijf bekende (de totalen: {})",
    "decimals of PriceExcl    {}": "decimalen PriceExcl      {}",
    "{}: fewer than the 6 that are sent, totals may differ by a cent": (
        "{}: minder dan de 6 die verstuurd worden, totalen kunnen een cent verschillen"
    ),
    "search by reference      works": "zoeken op kenmerk        werkt",
    "search by reference      does not find the draft": "zoeken op kenmerk        vindt het concept niet",
    "The draft was deleted.": "Het concept is verwijderd.",
    "Debtor {} was made for it and stays: WeFact lets no debtor be deleted.": (
        "Debiteur {} is ervoor gemaakt en blijft: in WeFact kan geen debiteur verwijderd worden."
    ),
}


def talked(text: str, language: str) -> str:
    """Return what a command says in the language asked for; what is no phrase of ours stays as it is."""
    return text if language != "nl" else _book().translated(text)


@lru_cache(maxsize=1)
def _book() -> Phrasebook:
    return Phrasebook(TALK, otherwise=dutch)
