"""What functions give, and what is said of files of cases, in Dutch: it belongs to the table in `dutch`."""

from __future__ import annotations

FUNCTIONS = {
    "Without its sign.": "Zonder het minteken.",
    "Lower case, hyphens dropped.": "Kleine letters, zonder streepjes.",
    "How many items.": "Hoeveel onderdelen.",
    "The two letters of a country given by code or name; none if unknown.": (
        "De twee letters van een land, gegeven als code of naam; none als het onbekend is."
    ),
    "country_name('NL', 'en'): the country's name.": "country_name('NL', 'nl'): de naam van het land.",
    "country_of('billing', code, name): that address's country by code, else by name; an unknown one stops.": (
        "country_of('billing', code, naam): het land van dat adres, naar code en anders naar naam; een onbekend stopt."
    ),
    "decimal_text(amount, 6): at most 6 decimals, no trailing zeros.": (
        "decimal_text(bedrag, 6): hooguit 6 decimalen, zonder nullen erachter."
    ),
    "Each value once.": "Elke waarde één keer.",
    "Whether there is something: neither absent, nor empty, nor a text of spaces.": (
        "Of er iets is: niet afwezig, niet leeg, en geen tekst van spaties."
    ),
    "The settings of shipping and payment costs that alone explain the shop's VAT; empty when those in use do.": (
        "De instellingen voor verzend- en betaalkosten die als enige de btw van de winkel verklaren; leeg als die in "
        "gebruik dat doen."
    ),
    "The highest; none for an empty list.": "Het hoogste; none voor een lege lijst.",
    "The higher of the values.": "De hoogste van de waarden.",
    "The lower of the values.": "De laagste van de waarden.",
    "Whether goods sent there stay in the EU.": "Of goederen daarheen in de EU blijven.",
    "As a whole number.": "Als geheel getal.",
    "items(list): the same; nothing where there is no list.": "items(lijst): hetzelfde; niets als er geen lijst is.",
    "sum_at(keys, amounts, key): the amounts that stand at this key, added up.": (
        "sum_at(sleutels, bedragen, sleutel): de bedragen die bij deze sleutel staan, opgeteld."
    ),
    "join(' ', a, b): the filled texts, with ' ' between.": "join(' ', a, b): de gevulde teksten, met ' ' ertussen.",
    "The number at the end of an address; none without one.": (
        "Het nummer aan het eind van een adres; none als er geen is."
    ),
    "legal_rates(code, date, own): all VAT rates there, highest first.": (
        "legal_rates(code, datum, eigen): alle btw-tarieven daar, het hoogste eerst."
    ),
    "listed([21, 9]): the amounts with commas between.": "listed([21, 9]): de getallen met komma's ertussen.",
    "A moment in UTC as the local time of a zone.": "Een moment in UTC als de plaatselijke tijd van een zone.",
    "The value itself, which must be there: without it the document stops.": (
        "De waarde zelf, die er moet zijn: zonder haar stopt het document."
    ),
    "options(items, 'name', 'value'): 'name: value, name: value'; empty without a list.": (
        "options(onderdelen, 'naam', 'waarde'): 'naam: waarde, naam: waarde'; leeg zonder lijst."
    ),
    "Product codes that would become the same.": "Productcodes die gelijk zouden worden.",
    "Letters and digits only.": "Alleen letters en cijfers.",
    "Each product of the lines once, with its `code`.": "Elk product van de regels één keer, met zijn `code`.",
    "round_half_up(x, 2): to cents.": "round_half_up(x, 2): op centen.",
    "The VAT rate that a rounding difference belongs to.": "Het btw-tarief waar een afrondingsverschil bij hoort.",
    "settle(lines, total, least_vat, most_vat, model, limit, rates, country, home): the lines that make them.": (
        "settle(regels, totaal, minste_btw, meeste_btw, model, grens, tarieven, land, thuis): de regels die dat maken."
    ),
    "The standard VAT rate of a country on a date, as shipped.": (
        "Het standaard btw-tarief van een land op een datum, zoals meegeleverd."
    ),
    "-1 below zero, else 1.": "-1 onder nul, anders 1.",
    "spread(amount, keys, weights): `amount` split over the distinct keys, in cents that add up exactly.": (
        "spread(bedrag, sleutels, gewichten): `bedrag` verdeeld over de verschillende sleutels, in centen die precies "
        "kloppen."
    ),
    "standard_rate(code, date, own): of a country or territory; `own` rows come first.": (
        "standard_rate(code, datum, eigen): van een land of gebied; eigen tarieven gaan voor."
    ),
    "All amounts added up.": "Alle bedragen opgeteld.",
    "sum_of(items, 'amount'): that field of all items added up, or the items themselves; none without a list.": (
        "sum_of(onderdelen, 'bedrag'): dat veld van alle onderdelen opgeteld, of de onderdelen zelf; none zonder lijst."
    ),
    "territory(country, postcode): where goods go for VAT: its `code`, `name`, `naam`, `in_eu`, `treated_as`.": (
        "territory(land, postcode): waar goederen voor de btw heen gaan: `code`, `name`, `naam`, `in_eu`, `treated_as`."
    ),
    "A number as text; none stays none.": "Een getal als tekst; none blijft none.",
    "time_text(date, '%Y-%m-%d'): a date in another form.": "time_text(datum, '%Y-%m-%d'): een datum in andere vorm.",
    "Without spaces around it.": "Zonder spaties eromheen.",
    "undivided(amount): what `spread` gives, but one share of the whole amount.": (
        "undivided(bedrag): wat `spread` geeft, maar één deel van het hele bedrag."
    ),
    "In capitals.": "In hoofdletters.",
    "The prefix of a VAT number, as VIES wants it.": "Het begin van een btw-nummer, zoals VIES het wil.",
    "A VAT number without prefix, as VIES wants it.": "Een btw-nummer zonder begin, zoals VIES het wil.",
    "What is wrong with a VAT number (format, check digit …); empty when it has the right form.": (
        "Wat er mis is met een btw-nummer (vorm, controlecijfer …); leeg als het de juiste vorm heeft."
    ),
    "vat_rate(percent): the same, from 0 to 100; anything else stops.": (
        "vat_rate(percentage): hetzelfde, van 0 tot 100; al het andere stopt."
    ),
}

CASES = {
    "A file of cases is a list.": "Een bestand met gevallen is een lijst.",
    "Begin each case with `- case: why it is so`.": "Begin elk geval met `- case: waarom het zo is`.",
    "A case expects something.": "Een geval verwacht iets.",
    "Add `expect:` or `not:`.": "Voeg `expect:` of `not:` toe.",
    "No stored order or invoice is '{}'.": "Er is geen bewaarde bestelling of factuur '{}'.",
    "'{}' cannot be read: {}": "'{}' is niet te lezen: {}",
    "These rules know no documents of kind '{}'.": "Deze regels kennen geen documenten van soort '{}'.",
    "The shop's orders have no '{}'.": "De bestellingen van de winkel hebben geen '{}'.",
    "The shop's invoices have no '{}'.": "De facturen van de winkel hebben geen '{}'.",
    "A decimal number is written with a point: {}.": "Een getal met decimalen schrijft u met een punt: {}.",
    "A decimal number is written with a point, such as 67.35: a comma begins the next field.": (
        "Een getal met decimalen schrijft u met een punt, zoals 67.35: een komma begint het volgende veld."
    ),
    "'{}' is a number; '{}' is none.": "'{}' is een getal; '{}' is dat niet.",
    "There is no '{}'.": "Er is geen '{}'.",
    "Write {} to {}, or {} for one more.": "Schrijf {} tot {}, of {} voor nog een.",
    "There is no setting '{}'.": "Er is geen instelling '{}'.",
    "Only findings, lines and requests are lists.": "Alleen findings, lines en requests zijn lijsten.",
    "Write one field each.": "Schrijf elk veld apart.",
    "'{}' expects nothing.": "'{}' verwacht niets.",
    "Write the value, or null.": "Schrijf de waarde, of null.",
    "'{}' is a whole request.": "'{}' is een heel verzoek.",
    "Expect `requests: [debtor, invoice]`, or fields of it.": (
        "Verwacht `requests: [debtor, invoice]`, of velden ervan."
    ),
    "'{}' has parts.": "'{}' heeft onderdelen.",
    "Write it with digits and a point, such as 12.50, or null.": (
        "Schrijf het met cijfers en een punt, zoals 12.50, of null."
    ),
    "Neither the document nor a request has '{}'.": "Het document en de verzoeken hebben geen '{}'.",
    "'{}' stands here alone, as if it were a field.": "'{}' staat hier alleen, alsof het een veld is.",
    "They count from 1: {}.": "Ze tellen vanaf 1: {}.",
    "'{}' expects a list.": "'{}' verwacht een lijst.",
    "findings: [K1 error], or none": "findings: [K1 error], of none",
    "lines: [revenue, shipping]": "lines: [revenue, shipping]",
    "requests: [debtor, invoice]": "requests: [debtor, invoice]",
    "There is no kind of line '{}'.": "Er is geen soort regel '{}'.",
    "No check is called '{}'.": "Geen controle heet '{}'.",
    "'{}' never gives '{}'.": "'{}' geeft nooit '{}'.",
    "It gives: {}.": "De controle geeft: {}.",
    "It has no parts.": "Het heeft geen onderdelen.",
}
