"""`map`, `check` and `explain`, as their users and their pipes meet them."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from rulefolders import SOURCE, TARGET, copied, little

from mapper.money import MAX_JSON_BYTES
from mapper.rulebook.runtime import clean_text

FIXTURES = Path(__file__).parent / "fixtures"
IDEAL = FIXTURES / "order-nl-ideal.json"
HOSTILE = "Mok \x1b[31m\x1b]0;owned\x07 \u202e \x9b2J \u200b"
COMMANDS_A_TERMINAL = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)

LITTLE = """
document:
  id: order.id
  method:
    match: order.paymethod or order.paymethod_label or 'none'
    keywords:
      - {any: [ideal, paypal], then: online}
      - {all: [bank, transfer], then: bank}
    otherwise: other
  _code: {find: tenant.vat.rates, as: one, by: [one.country, one.rate], is: ["'NL'", 21], give: one.revenue.code}
  code: _code or upper(order.paymethod or 'x')
  person: {fields: {first: order.customer.billingaddress.first_name or '', again: upper(method)}}
lines:
  - kind: row
    each: order.rows
    as: row
    values:
      price: row.price if order.taxes_included else row.price * 2
      size:
        when:
          - {if: row.price > 20, then: {text: large}}
          - {if: row.price > 10, then: {text: middle}}
        otherwise: {text: small}
totals:
  total: round_half_up(sum(row.price), 2)
"""


@pytest.fixture
def piped(mapper, monkeypatch):
    """Run a command with bytes on standard input."""

    def call(content, *arguments):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        return mapper(*arguments)

    return call


def line(**changes):
    return json.dumps(json.loads(IDEAL.read_bytes()) | changes).encode() + b"\n"


def ids(record):
    return [one["id"] for one in record["findings"] if one["severity"] == "error"]


# map


def test_map_prints_document_requests_and_findings_as_one_line(mapper):
    ran = mapper("map", IDEAL)
    assert ran.code == 0
    assert ran.err == ""
    (record,) = ran.records
    assert list(record) == ["document", "requests", "findings"]
    assert [(one["controller"], one["action"]) for one in record["requests"]] == [
        ("debtor", "add"),
        ("invoice", "add"),
    ]
    assert all(set(one) == {"controller", "action", "params"} for one in record["requests"])
    assert record["requests"][1]["params"]["Debtor"] == "{debtor.Identifier}"
    wanted = {
        "description",
        "kind",
        "product_code",
        "quantity",
        "vat_percent",
        "unit_excl",
        "unit_incl",
        "discount",
    }
    assert wanted | {"total_excl", "total_incl", "vat_code"} <= set(record["document"]["lines"][0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", record["document"]["date"])
    assert re.fullmatch(r"\d+\.\d\d", record["document"]["total_incl"])


def test_map_keeps_the_order_of_files_and_gives_one_line_each(mapper):
    files = sorted(FIXTURES.glob("order-*.json"))
    ran = mapper("map", *files)
    assert [one["document"]["id"] for one in ran.records] == [
        json.loads(one.read_bytes())["id"] for one in files
    ]


def test_map_says_that_a_date_is_in_the_future_as_processing_does(mapper, piped):
    ran = piped(line(create_date="2099-01-01T00:00:00Z"), "map")
    assert ran.code == 1
    (record,) = ran.records
    assert ids(record) == ["PRO216"]
    (said,) = [one for one in record["findings"] if one["id"] == "PRO216"]
    assert "2099-01-01" in said["message"]
    assert said["about"] == "date"
    assert record["document"]["date"].startswith("2099")
    assert ids(mapper("map", IDEAL).records[0]) == []
    assert ids(piped(b"[]\n", "map").records[0]) == ["MAP205"]


def test_rows_may_come_in_a_file_of_their_own(mapper, tmp_path):
    order = json.loads(IDEAL.read_bytes())
    rows = order.pop("rows")
    (tmp_path / "order.json").write_text(json.dumps(order))
    whole = mapper("map", IDEAL).out
    for content in (rows, {"items": rows, "total_items": len(rows)}):
        (tmp_path / "rows.json").write_text(json.dumps(content))
        assert mapper("map", "--rows", tmp_path / "rows.json", tmp_path / "order.json").out == whole
    (tmp_path / "rows.json").write_text('"none"')
    assert mapper("map", "--rows", tmp_path / "rows.json", tmp_path / "order.json").err.startswith("USE122: ")
    assert mapper("map", "--rows", tmp_path / "rows.json", IDEAL, IDEAL).err.startswith("USE121: ")


@pytest.mark.parametrize("arguments", [("map",), ("map", "-")])
def test_map_reads_json_lines_and_keeps_their_order(piped, arguments):
    ran = piped(line(id=1) + b"\n" + line(id=2) + line(id=3).rstrip(), *arguments)
    assert ran.code == 0
    assert [one["document"]["id"] for one in ran.records] == [1, 2, 3]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"{broken\n", "PAY101"),
        (b"\x89PNG\xff\xfe\x00\n", "PAY101"),
        (b'{"id": NaN}\n', "PAY102"),
        (b'{"id": 1, "id": 2}\n', "PAY103"),
        (b"[" * 100_000 + b"\n", "PAY105"),
        (b'{"id": 1e999999999999999999999}\n', "PAY106"),
        (b"5\n", "MAP205"),
        (b"[]\n", "MAP205"),
        (b"null\n", "MAP205"),
    ],
    ids=lambda value: repr(value)[:20],
)
@pytest.mark.parametrize("where", [0, 1, 2])
def test_a_bad_line_gives_its_finding_and_the_rest_still_maps(piped, bad, code, where):
    lines = [line(id=1), line(id=2)]
    lines.insert(where, bad)
    ran = piped(b"\n".join(lines), "map")
    assert ran.code == 1
    assert ran.err == ""
    assert len(ran.records) == 3
    assert ran.records[where]["document"] is None
    assert ran.records[where]["requests"] == []
    assert ids(ran.records[where]) == [code]
    assert [one["document"]["id"] for number, one in enumerate(ran.records) if number != where] == [1, 2]


def test_a_bad_line_is_named_by_its_number_in_the_input(piped):
    lines = [line(id=1), b"", b'{"id": 1,,}', b'{"id": NaN}', line(id=2).rstrip() + b" x"]
    told = [one["findings"][0]["message"] for one in piped(b"\n".join(lines), "map").records[1:]]
    assert told[0].startswith("standard input: This is not JSON: ")
    assert told[0].endswith("(line 4, column 10).")
    assert told[1].startswith("standard input, line 5: The document holds NaN")
    assert "(line 6, column " in told[2]


def test_a_file_that_cannot_be_read_as_json_is_named(mapper, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('{"id":\n 1,,}')
    for arguments in (["map", IDEAL, bad], ["explain", bad], ["map", IDEAL, "--rows", bad]):
        ran = mapper(*arguments)
        assert ran.code == 1
        assert f"{bad}: This is not JSON" in ran.out + ran.err
        assert "(line 2, column 4)" in ran.out + ran.err


def test_a_file_of_json_lines_is_told_how_to_be_given(mapper, tmp_path):
    several = tmp_path / "orders.jsonl"
    several.write_bytes(line(id=1) + line(id=2))
    ran = mapper("map", several)
    (finding,) = ran.records[0]["findings"]
    assert finding["id"] == "PAY107"
    assert (
        finding["message"]
        == f"{several}: The file holds more than one document: the second begins at line 2."
    )
    assert "standard input" in finding["help"]


def test_a_document_over_several_lines_is_one_document(piped):
    assert [one["document"]["id"] for one in piped(IDEAL.read_bytes(), "map").records] == [500001]


@pytest.mark.parametrize("content", [b"", b"\n\n  \n"])
def test_nothing_in_gives_nothing_out(piped, content):
    ran = piped(content, "map")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_an_empty_file_is_no_document(mapper, tmp_path):
    (tmp_path / "empty.json").touch()
    ran = mapper("map", tmp_path / "empty.json")
    assert (ran.code, ids(ran.records[0])) == (1, ["PAY101"])


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        ({"total_price": "59,95"}, "MAP202", "order.total_price"),
        ({"total_price": None}, "MAP201", "order.total_price"),
        ({"customer": None}, "MAP201", "order.customer"),
        ({"customer": "Jan"}, "MAP202", "order.customer"),
        ({"rows": None}, "MAP201", "order.rows"),
        ({"rows": [None]}, "MAP202", "row 1"),
        ({"create_date": "14-03-2025"}, "MAP203", "14-03-2025"),
    ],
)
def test_a_field_that_is_missing_or_of_another_type_is_named(piped, changes, code, told):
    ran = piped(line(**changes), "map")
    (finding,) = [one for one in ran.records[0]["findings"] if one["severity"] == "error"]
    assert (ran.code, finding["id"]) == (1, code)
    assert told in finding["message"]
    assert re.fullmatch(rf"rules/{SOURCE}:\d+:\d+", finding["rule"])
    assert finding["help"]


def test_a_million_rows_are_refused_without_mapping_them(mapper, tmp_path):
    path = tmp_path / "order.json"
    path.write_text('{"id": 1, "rows": [' + "{}," * 999_999 + "{}]}")
    ran = mapper("map", path)
    assert (ran.code, ids(ran.records[0])) == (1, ["MAP206"])


def test_a_file_of_forty_megabytes_is_not_parsed(mapper, tmp_path):
    path = tmp_path / "order.json"
    with path.open("wb") as file:
        file.truncate(40 * 1024 * 1024)
    ran = mapper("map", path, IDEAL)
    assert (ran.code, ids(ran.records[0]), len(ran.records)) == (1, ["PAY104"], 2)
    assert path.stat().st_size > MAX_JSON_BYTES


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device here")
def test_a_device_that_never_ends_is_refused(mapper):
    assert ids(mapper("map", "/dev/zero").records[0]) == ["PAY104"]


def test_a_file_that_is_not_there_ends_with_2(mapper, tmp_path):
    missing = tmp_path / "no.json"
    for arguments in (["map", missing], ["explain", missing], ["map", tmp_path], ["map", IDEAL, missing]):
        ran = mapper(*arguments)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("USE123: ")


def test_an_error_finding_ends_with_1_and_the_requests_are_shown_all_the_same(piped):
    ran = piped(line(total_price=1), "map")
    assert ran.code == 1
    assert "K1" in ids(ran.records[0])
    assert ran.records[0]["requests"][-1]["controller"] == "invoice"


def test_map_speaks_dutch_when_asked(piped):
    said = piped(line(total_price=1), "--language", "nl", "map").records[0]["findings"][0]["message"]
    assert said.startswith("Het totaal van de bestelling")


@pytest.mark.parametrize("command", ["map", "map --help", "check --types", "--help"])
def test_a_reader_that_goes_away_ends_it_quietly(command):
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m mapper {command} | true; echo ${{PIPESTATUS[0]}}"],
        input=line() * 4000 if command == "map" else b"",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"141\n", b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
@pytest.mark.parametrize("command", ["map", "--help", "check --types"])
def test_a_full_disk_is_told_and_is_no_fault_of_the_mapper(command):
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m mapper {command} > /dev/full"],
        input=line(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 5
    assert done.stderr.startswith(b"STO150: ")
    assert b"No space left on device" in done.stderr


def test_without_an_output_nothing_fails():
    command = f"{sys.executable} -m mapper map >&- 2>&-"
    done = subprocess.run(["bash", "-c", command], input=line(), timeout=60, check=False)
    assert done.returncode == 0


# Nothing from outside commands a terminal


def hostile(tmp_path):
    order = json.loads(IDEAL.read_bytes())
    order["rows"][0]["product_name"] = order["customer"]["billingaddress"]["last_name"] = HOSTILE
    path = tmp_path / "order.json"
    path.write_text(json.dumps(order))
    return path


def test_a_hostile_name_is_escaped_data_in_map(mapper, tmp_path):
    ran = mapper("map", hostile(tmp_path))
    assert not COMMANDS_A_TERMINAL.search(ran.out + ran.err)
    assert clean_text(HOSTILE) in ran.records[0]["document"]["lines"][0]["description"]


@pytest.mark.parametrize(
    "paths", [[], ["lines.1.description", "customer.last_name", "invoice.InvoiceLines.1.Description"]]
)
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_hostile_name_never_reaches_the_terminal_from_explain(mapper, tmp_path, paths, as_json):
    ran = mapper("explain", *as_json, hostile(tmp_path), *paths)
    assert ran.code == 0
    assert "Mok " in ran.out
    assert not COMMANDS_A_TERMINAL.search(ran.out + ran.err)


def test_hostile_arguments_and_rules_never_reach_the_terminal(mapper, tmp_path):
    folder = tmp_path / "rules\x1b[31m\u202e"
    written = r'"order.ordernumber_full\e]0;owned\a\u202e"'
    little(folder, f"document: {{id: order.id, number: {written}}}")
    for arguments in (
        ["check", "--rules", folder],
        ["check", "--json", "--rules", folder],
        ["explain", IDEAL, "a\x1b[2J\u202e"],
    ):
        ran = mapper(*arguments)
        assert ran.code == 2
        assert not COMMANDS_A_TERMINAL.search(ran.out + ran.err)


# check


def test_check_says_that_all_is_well(mapper):
    ran = mapper("check")
    assert (ran.code, ran.out) == (0, "")
    assert "no problems" in ran.err


def test_check_speaks_of_settings_when_only_they_have_problems(mapper, tmp_path):
    (tmp_path / "settings.yaml").write_text("name: 'x")
    ran = mapper("check", "--settings", tmp_path / "settings.yaml")
    assert (ran.code, "SET100: The settings have 1 problem(s)." in ran.err) == (2, True)


def test_check_shows_all_problems_of_all_files_at_once(mapper, tmp_path, snapshot):
    source = LITTLE.replace("order.paymethod_label", "order.paymethod_labl").replace(
        "upper(method)", "uper(method)"
    )
    folder = little(
        tmp_path / "rules", source.replace("row.price > 20", "row.price > 'x'"), "requests:\n\t- a"
    )
    (folder / "vat_rates.yaml").write_text(
        "checked: 2026-01-01\nalso_eu: {}\nstandard:\n  AT: [{rate: many}]\n"
    )
    ran = mapper("check", "--rules", folder)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.replace(str(folder), "DIR") == snapshot
    listed = mapper("check", "--json", "--rules", folder)
    assert listed.code == 2
    assert {one["file"].rpartition("/")[2] for one in listed.records} == {SOURCE, TARGET, "vat_rates.yaml"}
    assert all(one["line"] > 1 and one["column"] and one["code"] and one["message"] for one in listed.records)


def test_check_of_a_folder_without_rules_names_what_belongs_there(mapper, tmp_path):
    ran = mapper("check", "--rules", tmp_path)
    assert ran.code == 2
    assert ran.err.count("RULE101") == 3
    assert "A rules folder holds" in ran.err


# explain


def test_explain_shows_why_a_value_is_what_it_is(mapper, tmp_path, snapshot):
    folder = little(tmp_path / "rules", LITTLE)
    names = ["method", "code", "person.again", "lines.1.price", "lines.2.size", "total", "invoice.Id"]
    ran = mapper("explain", "--rules", folder, IDEAL, *names)
    assert ran.code == 0, ran.err
    assert ran.out.replace(str(folder), "DIR") == snapshot


def test_what_was_not_reached_is_not_told_as_a_reason(mapper, tmp_path):
    folder = little(tmp_path / "rules", LITTLE)
    assert "✓ order.paymethod" not in mapper("explain", "--rules", folder, IDEAL, "code").out


def test_explain_lists_every_field_when_none_is_named(mapper):
    ran = mapper("explain", "--json", IDEAL)
    names = [one["path"] for one in ran.records]
    assert {"total_incl", "customer", "lines.1.unit_excl"} <= set(names)
    for name in names[::12]:
        assert mapper("explain", "--json", IDEAL, name).records[0]["path"] == name


def test_explain_of_what_is_not_there_offers_what_is(mapper):
    ran = mapper("explain", IDEAL, "total_inc")
    assert ran.code == 2
    assert "total_incl" in ran.err


@pytest.mark.parametrize(
    "content", [b"", b"5", b"[]", b"null", b'"x"', b"{}", b'{"rows": 5}', b"{", b"\xff\xfe"]
)
def test_explain_of_a_payload_that_cannot_be_mapped_says_why(piped, content):
    ran = piped(content, "explain", "-")
    assert ran.code == 1
    assert re.search(r"(MAP|PAY)\d+", ran.err)


def test_explain_takes_flags_and_numbers_as_the_rules_do(piped):
    ran = piped(line(taxes_included=1, order_row_taxes_included=1, paid=1), "explain", "-", "total_incl")
    assert "totals_include_vat is true" in ran.out
    assert "✓ if totals_include_vat" in ran.out


@pytest.mark.parametrize(
    "written",
    [
        '"order.paymethod or \'caf\\u00e9 \\"x\\"\'"',
        "'order.paymethod or ''café €'''",
        "|\n    order.paymethod\n    or 'café'",
        ">-\n    order.paymethod\n    or 'café'",
    ],
)
def test_explain_reads_a_rule_however_it_is_quoted(piped, tmp_path, written):
    folder = copied(tmp_path / "rules", {})
    text = (folder / SOURCE).read_text(encoding="utf-8")
    text = text.replace("  is_credit: false", f"  told: {written}\n  is_credit: false", 1)
    (folder / SOURCE).write_text(text, encoding="utf-8")
    ran = piped(line(paymethod=""), "explain", "--rules", str(folder), "-", "told")
    assert ran.code == 0, ran.err
    assert "✗ order.paymethod   absent or empty" in ran.out
    assert ran.out.startswith("told = café")
