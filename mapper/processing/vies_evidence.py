"""What VIES's answer about a VAT number makes of a mapped document: proof, an error, patience, a draft (K2). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mapper import findings
from mapper.diagnostics import Finding
from mapper.mapping import Request
from mapper.processing import plan
from mapper.store.rows import VatNumberCheck


def question_among(found: Sequence[Finding]) -> Finding | None:
    """Return the rules' question to VIES: the number passed the offline check."""
    asked = (one for one in found if one.id == "K2" and one.severity == "info" and "number" in one.facts)
    return next(asked, None)


def judged(
    found: Sequence[Finding],
    requests: Sequence[Request],
    check: VatNumberCheck,
    *,
    drafts: bool,
    gave_up: bool,
) -> tuple[tuple[Finding, ...], tuple[Request, ...]]:
    """Return the findings with the answer in the question's place, and the requests that may be sent.

    Valid is the proof for a sale without VAT. Unknown waits, or `drafts` are made of it; `gave_up`: it was asked for as
    long as patience lasts.
    """
    asked = question_among(found)
    if asked is None:
        return tuple(found), tuple(requests)
    evidence = {
        **asked.facts,
        "vies": check.state,
        "code": check.code,
        "consultation": check.consultation,
        "requester": check.requester,
        "asked_at": check.asked_at.isoformat(timespec="seconds"),
        "first_asked_at": check.first_asked_at.isoformat(timespec="seconds"),
    }
    if check.state == "valid":
        said = replace(asked, facts=evidence)
    elif check.state == "invalid":
        said = findings.of_code("PRO211", evidence, id="K2")
    elif gave_up and not drafts:
        said = findings.of_code("PRO214", evidence, id="K2")
    else:
        said = findings.of_code("PRO212", evidence, id="K2", severity="wait")
    said = replace(said, place=asked.place, about=asked.about)
    as_draft = drafts and check.state == "unknown"
    return (
        tuple(said if one is asked else one for one in found),
        plan.as_draft(requests) if as_draft else tuple(requests),
    )
