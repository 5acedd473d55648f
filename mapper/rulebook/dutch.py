"""What the loader says of rule files, in Dutch.

The loader tells its problems in English, as the language itself is; a face that speaks Dutch translates them. What has
no translation here is told as the catalogue has it for its code, with the English words behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from mapper.catalogue import CATALOGUE
from mapper.diagnostics import Diagnostic
from mapper.rulebook.dutch_authoring import CASES, FUNCTIONS

# `{}` stands for what is taken over: names and words of the file, or a phrase that stands here itself.
DUTCH = {
    # files and YAML
    "Cannot read this file: {}.": "Dit bestand kan niet gelezen worden: {}.",
    "This file is missing.": "Dit bestand ontbreekt.",
    "A rules folder holds {}.": "Een map met regels bevat {}.",
    "Rules are the files {}.": "Regels zijn de bestanden {}.",
    "This version of the program does not know this file.": "Deze versie van het programma kent dit bestand niet.",
    "Byte {} is not UTF-8 text.": "Byte {} is geen UTF-8-tekst.",
    "Save the file as UTF-8.": "Bewaar het bestand als UTF-8.",
    "A tab stands where only spaces may.": "Er staat een tab waar alleen spaties mogen staan.",
    "Write spaces: YAML allows no tabs here.": "Schrijf spaties: YAML staat hier geen tabs toe.",
    "This line is indented otherwise than the lines around it.": (
        "Deze regel is anders ingesprongen dan de regels eromheen."
    ),
    "This line is indented less than the lines around it.": (
        "Deze regel is minder ver ingesprongen dan de regels eromheen."
    ),
    "This line is indented further than the one above it, which has a value.": (
        "Deze regel is verder ingesprongen dan die erboven, die al een waarde heeft."
    ),
    "Indent it as the entries that it belongs with: two spaces for each level.": (
        "Spring net zo ver in als wat erbij hoort: twee spaties per niveau."
    ),
    "A key stands where an item of a list belongs.": "Er staat een sleutel waar een onderdeel van een lijst hoort.",
    "Begin it with '- ', or indent it as the entries of the item above it.": (
        "Begin met '- ', of spring net zo ver in als het onderdeel erboven."
    ),
    "An item of a list stands among keys.": "Er staat een onderdeel van een lijst tussen sleutels.",
    "Remove the '- ', or write a key above it and indent the item.": (
        "Verwijder de '- ', of zet er een sleutel boven en spring het onderdeel in."
    ),
    "Something follows a text that has ended.": "Er volgt iets op een tekst die al afgelopen is.",
    "Put quotes around all of it; a ' between single quotes is written twice.": (
        "Zet alles tussen aanhalingstekens; een ' tussen enkele aanhalingstekens schrijft u dubbel."
    ),
    "A comma cannot stand here.": "Een komma kan hier niet staan.",
    "Remove it, or put quotes around the whole text.": "Verwijder ze, of zet de hele tekst tussen aanhalingstekens.",
    "Remove it, or put quotes around the text.": "Verwijder het, of zet de tekst tussen aanhalingstekens.",
    "Put quotes around the text.": "Zet de tekst tussen aanhalingstekens.",
    "Close it at the end of the text.": "Sluit het aan het eind van de tekst.",
    "Close it with '{}'.": "Sluit met '{}'.",
    "A comma or a '{}' is missing before this.": "Hiervoor ontbreekt een komma of een '{}'.",
    "Separate entries by commas, and close each { and [ on its line.": (
        "Zet komma's tussen de onderdelen en sluit elke { en [ op dezelfde regel."
    ),
    "A ':' is missing after a key.": "Na een sleutel ontbreekt een ':'.",
    "Write `key: value`, with a space behind the colon.": (
        "Schrijf `sleutel: waarde`, met een spatie achter de dubbele punt."
    ),
    "A second ': ' stands on this line.": "Er staat een tweede ': ' op deze regel.",
    "Put quotes around a text that holds ': '; a second key begins a line.": (
        "Zet een tekst met ': ' tussen aanhalingstekens; een tweede sleutel begint op een eigen regel."
    ),
    "A list cannot begin here.": "Een lijst kan hier niet beginnen.",
    "Write each item on a line below the key, or write [a, b]; a text with '- ' needs quotes.": (
        "Schrijf elk onderdeel op een regel onder de sleutel, of schrijf [a, b]; een tekst met '- ' moet tussen "
        "aanhalingstekens."
    ),
    "This \\ stands for no character.": "Deze \\ staat voor geen teken.",
    "A \\ in a text between \" is written \\\\; between ' it stands alone.": (
        "Een \\ in een tekst tussen \" schrijft u als \\\\; tussen ' staat hij alleen."
    ),
    "Nothing may follow '{}' on its line.": "Achter '{}' mag niets meer op de regel staan.",
    "Write the text on the lines below it, indented.": "Schrijf de tekst ingesprongen op de regels eronder.",
    "A text cannot begin with '{}'.": "Een tekst kan niet met '{}' beginnen.",
    "This cannot stand here.": "Dit kan hier niet staan.",
    "This cannot be read.": "Dit is niet te lezen.",
    "The character {} may not stand in a YAML file.": "Het teken {} mag niet in een YAML-bestand staan.",
    "There is no character with this number.": "Er is geen teken met dit nummer.",
    "Remove the escape.": "Verwijder de \\ en wat erbij hoort.",
    "This text holds half a character.": "Deze tekst bevat een half teken.",
    "Write the character itself, not its escapes.": "Schrijf het teken zelf, niet de codes ervan.",
    "Keep one document a file: remove the '---'.": "Houd één document per bestand: verwijder de '---'.",
    "Write `word: value`.": "Schrijf `woord: waarde`.",
    "This text goes on on the next line.": "Deze tekst loopt door op de volgende regel.",
    "Close the quote or mend the indentation, keep it on one line, or write it as a block: `key: |`.": (
        "Sluit het aanhalingsteken of herstel het inspringen, houd het op één regel, of schrijf een blok: `key: |`."
    ),
    "'{}' stands here twice; the first is on line {}.": "'{}' staat hier twee keer; de eerste staat op regel {}.",
    "A second document begins here.": "Hier begint een tweede document.",
    "A key must be a word.": "Een sleutel moet een woord zijn.",
    "The tag '{}' is not allowed.": "De tag '{}' is niet toegestaan.",
    "'*{}' repeats another value.": "'*{}' herhaalt een andere waarde.",
    "'&{}' names a value to repeat it.": "'&{}' benoemt een waarde om haar te herhalen.",
    # keys and forms
    "{} has no '{}'.": "{} heeft geen '{}'.",
    "{} needs '{}'.": "{} heeft '{}' nodig.",
    "{} holds `name: value` entries.": "{} bestaat uit regels `naam: waarde`.",
    "'{}' is a list: each item begins with '- '.": "'{}' is een lijst: elk onderdeel begint met '- '.",
    "{} is a list: [a, b].": "{} is een lijst: [a, b].",
    "A rulebook that makes a document": "Een regelboek dat een document maakt",
    "A rulebook that extends another": "Een regelboek dat een ander uitbreidt",
    "A rulebook that makes requests": "Een regelboek dat verzoeken maakt",
    "A line rule": "Een regelblok",
    "A request": "Een verzoek",
    "An expectation": "Een verwachting",
    "A check": "Een controle",
    "Invariants": "Een bestand met invarianten",
    "An invariant": "Een invariant",
    "A check of an overlay": "Een controle van een overlay",
    "An overlay": "Een overlay",
    "A text": "Een tekst",
    "A case": "Een geval",
    "A keyword row": "Een regel met trefwoorden",
    "A VAT rate": "Een btw-tarief",
    "A country": "Een land",
    "A name": "Een naam",
    "A territory": "Een gebied",
    "The table of VAT rates": "De tabel met btw-tarieven",
    "The table of territories": "De tabel met gebieden",
    "A single word belongs here.": "Hier hoort één woord.",
    "Write it without [ ] or `key:`.": "Schrijf het zonder [ ] of `sleutel:`.",
    "Only true or false belongs here.": "Hier hoort alleen true of false.",
    "This is no form of value.": "Dit is geen vorm van een waarde.",
    "A value is an expression, or has one of: {}.": "Een waarde is een uitdrukking, of heeft een van: {}.",
    "Did you mean '{}'?": "Bedoelde u '{}'?",
    "Known here: {}.": "Hier bekend: {}.",
    "Known: {}.": "Bekend: {}.",
    "One of {}.": "Een van {}.",
    "One of: {}.": "Een van: {}.",
    "Functions: {}.": "Functies: {}.",
    "{} has: {}.": "{} heeft: {}.",
    "Remove it.": "Verwijder het.",
    "Remove one.": "Verwijder er een.",
    "Split it.": "Splits het.",
    # names
    "There is no '{}' here.": "'{}' bestaat hier niet.",
    "There is no function '{}'.": "Er is geen functie '{}'.",
    "'{}' is a function.": "'{}' is een functie.",
    "'{}' exists already.": "'{}' bestaat al.",
    "'{}' cannot be a name.": "'{}' kan geen naam zijn.",
    "Use letters, digits and _.": "Gebruik letters, cijfers en _.",
    "Choose another name.": "Kies een andere naam.",
    "Choose another name after `as`.": "Kies een andere naam na `as`.",
    "A text is written {text: {}}.": "Een tekst schrijft u als {text: {}}.",
    "A text stands in quotes: '{}'.": "Een tekst staat tussen aanhalingstekens: '{}'.",
    "A text stands in two pairs of quotes: \"'{}'\".": (
        "Een tekst staat hier tussen twee paar aanhalingstekens: \"'{}'\"."
    ),
    "'{}' is no request.": "'{}' is geen verzoek.",
    "'{}' is no severity.": "'{}' is geen ernst.",
    "'{}' is not known when this request is sent.": "'{}' is niet bekend als dit verzoek verstuurd wordt.",
    "'{}' cannot be extended.": "'{}' kan niet uitgebreid worden.",
    # expressions
    "An expression belongs here.": "Hier hoort een uitdrukking.",
    "An expression belongs here, but there is nothing.": "Hier hoort een uitdrukking, maar er staat niets.",
    "Write it on one line after the key.": "Schrijf deze op één regel achter de sleutel.",
    "Write `none` to mean nothing.": "Schrijf `none` voor niets.",
    "An expression looks like `a + b`, `a == 'text'`, `a or b`, `a if b else c`.": (
        "Een uitdrukking ziet er zo uit: `a + b`, `a == 'tekst'`, `a or b`, `a if b else c`."
    ),
    "'{}' has a comma: a decimal number is written with a point.": (
        "'{}' heeft een komma: een getal met decimalen schrijft u met een punt."
    ),
    "Write {}.": "Schrijf {}.",
    "Write the straight quotes ' or \".": "Schrijf de rechte aanhalingstekens ' of \".",
    "Write straight quotes, or none.": "Schrijf rechte aanhalingstekens, of geen.",
    "'{}' is taken for a part of this word.": "'{}' telt mee als deel van dit woord.",
    "Write an ordinary space.": "Schrijf een gewone spatie.",
    "Such a character may only stand in a text, between quotes.": (
        "Zo'n teken mag alleen in een tekst staan, tussen aanhalingstekens."
    ),
    "A date is a text.": "Een datum is een tekst.",
    "A field is written with a point: `order.total_price`. See docs/rules.md.": (
        "Een veld schrijft u met een punt: `order.total_price`. Zie docs/rules.md."
    ),
    "Access with []": "Opzoeken met []",
    "Keywords in a text: use `match`.": "Trefwoorden in een tekst: gebruik `match`.",
    "Remove it; a condition is turned round by `not`: `not order.paid`.": (
        "Verwijder deze; een voorwaarde draait u om met `not`: `not order.paid`."
    ),
    "Is it called '{}' there?": "Heet het daar '{}'?",
    "A number does not begin with 0.": "Een getal begint niet met 0.",
    "A number is written without spaces.": "Een getal schrijft u zonder spaties.",
    "A number and a word stand here without anything between them.": "Hier staan een getal en een woord aan elkaar.",
    "Put a space or a sign between them; a text stands in quotes.": (
        "Zet er een spatie of een teken tussen; een tekst staat tussen aanhalingstekens."
    ),
    "A quote is opened here and not closed.": "Hier begint een aanhalingsteken dat niet gesloten wordt.",
    "Close it. A quote within a text is written \\', or the text stands between the other quotes.": (
        "Sluit het. Een aanhalingsteken in een tekst schrijft u als \\', of zet de tekst tussen de andere."
    ),
    "This '{}' is not closed.": "Deze '{}' wordt niet gesloten.",
    "Close it, or remove it.": "Sluit het, of verwijder het.",
    "This '{}' closes nothing that was opened before it.": "Deze '{}' sluit niets wat ervoor geopend is.",
    "Remove it, or open it where it belongs.": "Verwijder het, of open het waar het hoort.",
    "'{}' has no meaning in an expression.": "'{}' betekent niets in een uitdrukking.",
    "Write the amount alone: 12.50.": "Schrijf alleen het bedrag: 12.50.",
    "Write the number alone.": "Schrijf alleen het getal.",
    "This `if` has no `else`.": "Deze `if` heeft geen `else`.",
    "A condition stands after its value.": "Een voorwaarde staat achter haar waarde.",
    "'{}' follows another value without a sign between them.": "'{}' volgt op een andere waarde zonder teken ertussen.",
    "Write one, such as + or `and`; a text stands in quotes.": (
        "Schrijf er een, zoals + of `and`; een tekst staat tussen aanhalingstekens."
    ),
    "'{}' cannot stand here.": "'{}' kan hier niet staan.",
    "'{}' cannot stand here, and is no name.": "'{}' kan hier niet staan, en is geen naam.",
    "The expression ends too early.": "De uitdrukking houdt te vroeg op.",
    "Write what follows, or remove the sign.": "Schrijf wat er volgt, of verwijder het teken.",
    "The expression has ended before this.": "De uitdrukking is hiervoor al afgelopen.",
    "The expression is too long.": "De uitdrukking is te lang.",
    "Give a part a name of its own.": "Geef een deel een eigen naam.",
    "{} is not part of the rule language.": "{} hoort niet bij de regeltaal.",
    "'{}' is no word of the rule language.": "'{}' is geen woord van de regeltaal.",
    "{} is not a plain number.": "{} is geen gewoon getal.",
    "Write it as 12 or 12.50.": "Schrijf het als 12 of 12.50.",
    "Use + - * /.": "Gebruik + - * /.",
    "Compare with ==.": "Vergelijk met ==.",
    "Write {} without quotes, or the condition alone.": "Schrijf {} zonder aanhalingstekens, of alleen de voorwaarde.",
    "A number stands without quotes: {}.": "Een getal staat zonder aanhalingstekens: {}.",
    "Compare with a number, without quotes.": "Vergelijk met een getal, zonder aanhalingstekens.",
    "Compare a text with a text, a number with a number.": "Vergelijk tekst met tekst en een getal met een getal.",
    "Write `a if condition else b`.": "Schrijf `a if voorwaarde else b`.",
    "Cases stand in a list below `when`: `when: [{if: …, then: …}]`, then `otherwise: …`.": (
        "Gevallen staan in een lijst onder `when`: `when: [{if: …, then: …}]`, daarna `otherwise: …`."
    ),
    "Compare with ==, or write the name as the key: `name: expression`.": (
        "Vergelijk met ==, of schrijf de naam als sleutel: `naam: uitdrukking`."
    ),
    "An expression gives a value; it cannot set one.": "Een uitdrukking geeft een waarde; ze kan er geen zetten.",
    "A brace is not closed or holds nothing.": "Een accolade is niet gesloten of bevat niets.",
    "Write {name}, or {{ for a brace.": "Schrijf {naam}, of {{ voor een accolade.",
    "{} takes {} value(s), not {}.": "{} vraagt {} waarde(n), niet {}.",
    "{} wants {} here; this is {}.": "{} wil hier {}; dit is {}.",
    "All values of {} must count the same.": "Alle waarden van {} moeten hetzelfde tellen.",
    "{} must be {}; this is {}.": "{} moet {} zijn; dit is {}.",
    "A condition": "Een voorwaarde",
    "What stands between 'if' and 'else'": "Wat tussen 'if' en 'else' staat",
    "What follows 'not'": "Wat op 'not' volgt",
    "What follows '-'": "Wat op '-' volgt",
    "Each side of 'and'": "Elke kant van 'and'",
    "What `match` looks at": "Waar `match` naar kijkt",
    "What `each` goes through": "Waar `each` doorheen gaat",
    "What is gone through": "Waar doorheen gegaan wordt",
    "'{}' calculates with numbers; this is {}.": "'{}' rekent met getallen; dit is {}.",
    "'{}' compares numbers; this is {}.": "'{}' vergelijkt getallen; dit is {}.",
    "'in' looks in a list; this is {}.": "'in' zoekt in een lijst; dit is {}.",
    "{} never compares with {}.": "{} is niet te vergelijken met {}.",
    "{} is never in {}.": "{} staat nooit in {}.",
    "{} cannot be added to {}.": "{} kan niet opgeteld worden bij {}.",
    "{} cannot be subtracted from {}.": "{} kan niet afgetrokken worden van {}.",
    "{} cannot be multiplied by {}.": "{} kan niet vermenigvuldigd worden met {}.",
    "{} cannot be divided by {}.": "{} kan niet gedeeld worden door {}.",
    "Divide a percentage by 100 first; money times money, or money plus a quantity, means nothing.": (
        "Deel een percentage eerst door 100; geld maal geld, of geld plus een aantal, betekent niets."
    ),
    "Join texts with {text: \"{a} {b}\"} or join(' ', a, b).": (
        "Voeg teksten samen met {text: \"{a} {b}\"} of join(' ', a, b)."
    ),
    "One side is {}, the other {}.": "De ene kant is {}, de andere {}.",
    "One case gives {}, another {}.": "Het ene geval geeft {}, een ander {}.",
    "'{}' is {} here and {} in another line rule.": "'{}' is hier {} en in een ander regelblok {}.",
    "'{}' is not given to this rulebook.": "'{}' krijgt dit regelboek niet.",
    "This is never '{}'.": "Dit is nooit '{}'.",
    "This never holds, whatever the document holds.": "Dit geldt nooit, wat het document ook bevat.",
    "This always holds, whatever the document holds.": "Dit geldt altijd, wat het document ook bevat.",
    "Compare with another value, or remove it.": "Vergelijk met een andere waarde, of verwijder het.",
    "Write `or` if one of them is enough.": "Schrijf `or` als een ervan genoeg is.",
    "Write `and` if all of them must hold.": "Schrijf `and` als ze allemaal moeten gelden.",
    "Write another number.": "Schrijf een ander getal.",
    "Nothing can be divided by 0.": "Delen door 0 kan niet.",
    "{} gives 0 to 12 decimals.": "{} geeft 0 tot 12 decimalen.",
    "It is one of: {}.": "Het is een van: {}.",
    "{} has no fields, so no '{}'.": "{} heeft geen velden, dus geen '{}'.",
    "a text": "een tekst", "a number": "een getal", "an amount of money": "een bedrag",
    "a percentage": "een percentage",
    "a quantity": "een aantal", "a flag": "waar of onwaar", "a date": "een datum", "a record": "een groep velden",
    "an integer": "een geheel getal", "a value that is none": "niets", "a list of {}": "een lijst van {}",
    "values": "waarden", "texts": "teksten", "numbers": "getallen", "amounts of money": "bedragen",
    "percentages": "percentages", "quantities": "aantallen", "records": "groepen velden", "flags": "waar of onwaar",
    # values that may be absent, lines, tables of keywords
    "{} may be absent.": "{} kan ontbreken.",
    "Write `items(…)` around the list: it gives nothing where there is none.": (
        "Schrijf `items(…)` om de lijst: dat geeft niets waar er geen is."
    ),
    "'{}' may be null in the shop's API.": "'{}' kan leeg zijn volgens de API van de winkel.",
    "Give a default, as in `{}`, or say that it must be there: `{}`.": (
        "Geef een standaardwaarde, zoals `{}`, of zeg dat ze er moet zijn: `{}`."
    ),
    "'{}' may be without value: the rule that makes it does not always give one.": (
        "'{}' kan zonder waarde zijn: de regel die haar maakt geeft er niet altijd een."
    ),
    "Give it `otherwise` there, or a default here, or say that it must be there: `{}`.": (
        "Geef daar `otherwise`, of hier een standaardwaarde, of zeg dat ze er moet zijn: `{}`."
    ),
    "'{}' may have an entry without value.": "'{}' kan een onderdeel zonder waarde hebben.",
    "Give '{}' a value in every case where it is made, as with `otherwise: 0`.": (
        "Geef '{}' in elk geval een waarde waar ze gemaakt wordt, zoals met `otherwise: 0`."
    ),
    "Not every line rule sets '{}'.": "Niet elk regelblok zet '{}'.",
    "This line rule does not set '{}', as others do.": "Dit regelblok zet '{}' niet, zoals andere wel doen.",
    "All line rules set the same fields.": "Alle regelblokken zetten dezelfde velden.",
    "'{}' never stands in a text that `{}` made: {}.": "'{}' staat nooit in een tekst die `{}` maakte: {}.",
    "it has no capitals and no hyphens": "die heeft geen hoofdletters en geen streepjes",
    "it has only capitals": "die heeft alleen hoofdletters",
    "'{}' never decides: {}.": "'{}' beslist nooit: {}.",
    "the row on line {} already takes every text with '{}'": "de regel op regel {} neemt al elke tekst met '{}'",
    "Write '{}'.": "Schrijf '{}'.",
    "A keyword row has either `any` or `all`.": "Een regel met trefwoorden heeft `any` of `all`, niet beide.",
    "Write the words of a second row in a row of their own.": "Geef een tweede groep woorden een eigen regel.",
    "A keyword row needs at least one word.": "Een regel met trefwoorden heeft minstens één woord nodig.",
    "Write [word, word].": "Schrijf [woord, woord].",
    "There is no text here.": "Hier staat geen tekst.",
    "Write one, or remove the row or the word.": "Schrijf er een, of verwijder de regel of het woord.",
    "Say in this language what is wrong, or what to do about it.": "Zeg in deze taal wat er mis is of wat te doen.",
    "'{}' is not a text.": "'{}' is geen tekst.",
    'If it is meant as one, put it between quotes: "{}".': (
        'Is het als tekst bedoeld, zet het dan tussen aanhalingstekens: "{}".'
    ),
    "'{}' is one word.": "'{}' is één woord.",
    "Are they two words? Separate them by a comma.": "Zijn het twee woorden? Zet er een komma tussen.",
    "{} needs at least one {}.": "{} heeft minstens één {} nodig.",
    "case": "geval", "keyword row": "regel met trefwoorden", "condition": "voorwaarde",
    "Write one below it, which begins with '- ', or remove {}.": (
        "Schrijf er een onder, die begint met '- ', of verwijder {}."
    ),
    "`{}` is not part of a case.": "`{}` hoort niet in een geval.",
    "Write `otherwise` below the cases, without '- ' and with the indentation of `when`.": (
        "Schrijf `otherwise` onder de gevallen, zonder '- ' en even ver ingesprongen als `when`."
    ),
    "Write its value below the cases as `otherwise`, or alone.": (
        "Schrijf de waarde onder de gevallen als `otherwise`, of alleen de waarde."
    ),
    "Write what it depends on, or remove it.": "Schrijf waar het van afhangt, of verwijder het.",
    "Write what it depends on, or one of the values alone.": (
        "Schrijf waar het van afhangt, of alleen een van de waarden."
    ),
    "True where there is no value is written `{}`.": "Waar als er geen waarde is, schrijft u als `{}`.",
    "Read what both have, or give that file an entry of its own.": (
        "Lees wat beide hebben, of geef dat bestand een eigen waarde."
    ),
    "That is so in {}, which takes this rule over.": "Dat is zo in {}, dat deze regel overneemt.",
    "This invariant always holds.": "Deze invariant geldt altijd.",
    "This invariant never holds.": "Deze invariant geldt nooit.",
    "Write what must hold, or remove the invariant.": "Schrijf wat moet gelden, of verwijder de invariant.",
    "This check never speaks.": "Deze controle zegt nooit iets.",
    "This check always speaks.": "Deze controle zegt altijd iets.",
    "Write what must hold, or remove the check.": "Schrijf wat moet gelden, of verwijder de controle.",
    "Put this row above that one, or remove the word.": "Zet deze regel boven die, of verwijder het woord.",
    "This case is never reached: {}.": "Dit geval wordt nooit bereikt: {}.",
    "the same condition stands on line {}": "dezelfde voorwaarde staat op regel {}",
    "its condition never holds": "de voorwaarde geldt nooit",
    "the case on line {} always holds": "het geval op regel {} geldt altijd",
    "This check can stop a document, so it must say what to do.": (
        "Deze controle kan een document stoppen, dus moet ze zeggen wat te doen."
    ),
    "Add `help` with `en` and `nl`: what to do about it.": "Voeg `help` toe met `en` en `nl`: wat eraan te doen.",
    "Every kind of document has the same fields; set it to `none` where it means nothing.": (
        "Elke soort document heeft dezelfde velden; zet het op `none` waar het niets betekent."
    ),
    # overlays
    "'{}' has no '{}' to replace.": "'{}' heeft geen '{}' om te vervangen.",
    "There is no request '{}'.": "Er is geen verzoek '{}'.",
    "There is no line rule '{}'.": "Er is geen regelblok '{}'.",
    "There is no check {}.": "Er is geen controle {}.",
    "{} about {}": "{} over {}",
    "{} checks are {}.": "{} controles zijn {}.",
    "A check {} stands here already: this one would take its place.": (
        "Een controle {} staat hier al: deze zou haar plaats innemen."
    ),
    "Give one of the two another `about`.": "Geef een van de twee een andere `about`.",
    "Say which one: `nth: 1` to `nth: {}`.": "Zeg welke: `nth: 1` tot `nth: {}`.",
    # calls to WeFact
    "WeFact has no controller '{}'.": "WeFact heeft geen controller '{}'.",
    "WeFact's {} has no action '{}'.": "De {} van WeFact heeft geen actie '{}'.",
    "{} has no parameter '{}'.": "{} heeft geen parameter '{}'.",
    "A line of an invoice has no '{}'.": "Een factuurregel heeft geen '{}'.",
    "A search has no parameter '{}'.": "Een zoekopdracht heeft geen parameter '{}'.",
    "WeFact cannot search '{}'.": "WeFact kan niet zoeken op '{}'.",
    "What WeFact answers has no '{}'.": "In wat WeFact antwoordt staat geen '{}'.",
    "No amount of {} is called '{}'.": "Geen bedrag van {} heet '{}'.",
    "The total of what {} makes is not compared with the shop's.": (
        "Het totaal van wat {} maakt wordt niet met dat van de winkel vergeleken."
    ),
    "The invoice's total must be exactly the shop's: otherwise a wrong one would pass.": (
        "Het totaal van de factuur moet precies dat van de winkel zijn: anders zou een foute erdoor komen."
    ),
    "What {} makes is not found again by its token, so that a lost answer could double it.": (
        "Wat {} maakt wordt niet aan zijn kenmerk teruggevonden, zodat een verloren antwoord het kan verdubbelen."
    ),
    "Write `{}`.": "Schrijf `{}`.",
    "Give a parameter `{}`, and the same under `same` of `find`.": (
        "Geef een parameter `{}`, en hetzelfde onder `same` van `find`."
    ),
    "Nothing reads the working value '{}'.": "Niets leest de werkwaarde '{}'.",
    "Remove it, or read it somewhere.": "Verwijder deze, of lees die ergens.",
    "'{}' is set by {}, but not by {}.": "'{}' wordt gezet door {}, maar niet door {}.",
    "'{}' is set as {} by {} and as {} by {}.": "'{}' wordt als {} gezet door {} en als {} door {}.",
    # tables of VAT
    "'{}' is no country.": "'{}' is geen land.",
    "Greece is GR, Northern Ireland XI.": "Griekenland is GR, Noord-Ierland XI.",
    "A standard rate of {} % is below 1 %.": "Een standaardtarief van {} % ligt onder 1 %.",
    "Write 21 for 21 %.": "Schrijf 21 voor 21 %.",
    "{} is still to come: nobody compared the table with its sources on that day.": (
        "{} moet nog komen: niemand heeft de tabel die dag met de bronnen vergeleken."
    ),
    "Write the day on which you did.": "Schrijf de dag waarop u dat deed.",
    "A country is two capitals, such as NL.": "Een land is twee hoofdletters, zoals NL.",
    "'{}' is no percentage from 0 to 100.": "'{}' is geen percentage van 0 tot 100.",
    "'{}' is no date such as 2026-01-31.": "'{}' is geen datum zoals 2026-01-31.",
    "The last day {} is before the first day {}.": "De laatste dag {} ligt voor de eerste dag {}.",
    "Two standard rates begin on {}.": "Er beginnen twee standaardtarieven op {}.",
    "'{}' is none of the sources at the top: {}.": "'{}' is geen van de bronnen bovenaan: {}.",
    "'{}' is no beginning of a postcode: capitals and digits.": (
        "'{}' is geen begin van een postcode: hoofdletters en cijfers."
    ),
    "'{}' is also that of {}.": "'{}' is ook dat van {}.",
    "Also on line {}.": "Ook op regel {}.",
    **FUNCTIONS,
    **CASES,
}  # fmt: skip

_SENTENCE = re.compile(r"(?<=[.?]) ")


def in_dutch(problem: Diagnostic) -> Diagnostic:
    """Return a problem of the loader in Dutch; its place, code and excerpt stay as they are."""
    entry = CATALOGUE.get(problem.code)
    message, hint = _translated(problem.message), _translated(problem.hint)
    if message is None and entry is not None:
        message = f"{entry.nl} ({problem.message})"
    if hint is None and entry is not None:
        hint = f"{entry.remedy_nl.format()} ({problem.hint})"
    return replace(problem, message=message or problem.message, hint=hint or "")


def _translated(text: str) -> str | None:
    """Return a text in Dutch, sentence by sentence or whole; None when there is no Dutch for a part of it."""
    if not text or text in DUTCH:
        return DUTCH.get(text, "")
    for end in _SENTENCE.finditer(text):
        first, rest = _phrase(text[: end.start()]), _translated(text[end.end() :])
        if first is not None and rest is not None:
            return f"{first} {rest}"
    return _phrase(text)


def _phrase(text: str) -> str | None:
    if text in DUTCH:
        return DUTCH[text]
    for pattern, translated in _patterns():
        if found := pattern.fullmatch(text):
            return _filled(translated, (_part(group) for group in found.groups()))
    return None


def _part(text: str) -> str:
    """Return a part of a message: a phrase of ours in Dutch, anything else as it is."""
    own = _phrase(text) or _phrase(text[:1].lower() + text[1:])
    return text if own is None else own[:1].upper() + own[1:] if text[:1].isupper() else own


def _filled(template: str, parts: Iterable[str]) -> str:
    for part in parts:
        template = template.replace("{}", part.replace("{}", "\0"), 1)
    return template.replace("\0", "{}")


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return the templates with something to fill in; those with most words of their own first."""
    templates = sorted((one for one in DUTCH if "{}" in one), key=lambda one: -len(one))
    return [
        (re.compile(re.escape(one).replace(r"\{\}", "(.*?)"), re.DOTALL), DUTCH[one]) for one in templates
    ]
