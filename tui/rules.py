"""Rules, for support: a tree, an editor that tells what is wrong while one types, and what it does to a real order."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static, TextArea
from textual.worker import get_current_worker

from mapper.diagnostics import printable
from tui import amounts, effect, rule_rows
from tui.covered import Covered
from tui.dialogs import Ask, Choose, Told, ask
from tui.face import TabBody
from tui.records import Column, Records
from tui.rule_editor import RuleEditor, known_fields
from tui.workbench import NEWEST, RULE_FILES, Checked, Workbench, with_new_row

if TYPE_CHECKING:
    from mapper.authoring.impact import Impact
    from mapper.authoring.publishing import Publication
    from mapper.diagnostics import Diagnostic
    from mapper.mapping import Rulebooks
    from mapper.store.rows import Document

TYPING_PAUSE = 0.2


class Rules(TabBody):
    """The tab."""

    NAME = "rules"
    HELP_TEXT = (
        "The rules in a folder of their own, made of those in use at the first save. Left their tree, in the "
        "middle the editor: problems are told and marked while you type, the right arrow takes a proposed "
        "field name, Escape leaves it. Marks tell how far the cases reach a rule (✓ wholly, ◐ in part, ○ not), the "
        "edge of the editor how many cases, branches and newest documents do. Right what the rules as they stand "
        "would change in a real document, and in the newest thousand; F6 chooses another. F2 saves, F3 counts what "
        "the newest documents ask of the tables, F7 runs the cases, F8 goes to the next problem, F9 shows the effect "
        "on the whole history in euros, F10 publishes: the running mapper takes them over."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "save", "Save", id="rules.save"),
        Binding("f3", "census", "Census", id="rules.census"),
        Binding("f6", "document", "Document", id="rules.document"),
        Binding("f7", "cases", "Cases", id="rules.cases"),
        Binding("f8", "next_problem", "Next problem", id="rules.problem"),
        Binding("f9", "impact", "Impact", id="rules.impact"),
        Binding("f10", "publish", "Publish", id="rules.publish"),
        Binding("e", "edit", "Edit", show=False, id="rules.edit"),
    ]

    def compose(self) -> ComposeResult:
        """Lay out tree, editor, and what comes of it."""
        t = self.t
        with Horizontal(classes="workbench"):
            yield Records((Column("", 1), Column(t("Rule"), 20, grow=1)), id="tree")
            with Vertical(classes="middle"):
                yield RuleEditor(id="editor")
                yield Records((Column(t("Place"), 10), Column(t("Problem"), 40, grow=1)), id="problems")
            with Vertical(classes="right"):
                yield Static("", id="trial", markup=False)
                yield Records(
                    (
                        Column(t("Value"), 18, grow=1),
                        Column(t("In use"), 10, grow=1),
                        Column(t("Now"), 10, grow=1),
                    ),
                    id="changed",
                )

    def on_mount(self) -> None:
        """Begin with nothing read."""
        self._bench = Workbench(self.session, self.session.key_file.parent / "rules")
        self._texts: dict[str, str] = {}
        self._saved: dict[str, str] = {}
        self._file = RULE_FILES[0]
        self._checked: Checked | None = None
        self._covered: Covered | None = None
        self._document = self._at = ""
        self.query_one("#problems", Records).border_title = self.t("Problems")
        self.query_one("#changed", Records).border_title = self.t("What would change")

    def arrive(self) -> None:
        """Take the focus."""
        self.query_one("#tree", Records).focus()

    @property
    def _editor(self) -> RuleEditor:
        return self.query_one(RuleEditor)

    @property
    def has_changes(self) -> bool:
        """Tell whether something is not saved."""
        return self._texts != self._saved

    def read(self) -> None:
        """Read the rules, once: what is written here is not overwritten."""
        if not self._texts:
            self._read()

    @work(exclusive=True, group="rules")
    async def _read(self) -> None:
        found = await self.attempt(self._bench.read)
        if found is None:
            return
        self._texts, self._saved = dict(found), dict(found)
        self._editor.known = await asyncio.to_thread(known_fields)
        newest = await self.attempt(self._bench.documents)
        self._document = newest[0].id if newest else ""
        self._show_tree()
        self._load(self._file)
        self._look_again()

    def _show_tree(self) -> None:
        marks = self._covered.marks() if self._covered is not None else {}
        self.query_one("#tree", Records).show(rule_rows.tree(self._texts, self._saved, marks))

    def _load(self, name: str) -> None:
        self._file = name
        editor = self._editor
        if editor.text != self._texts[name]:
            editor.load_text(self._texts[name])
        editor.mark(self._problems_here())
        self._tell_place()

    @on(Records.Highlighted, "#tree")
    def _jump(self, event: Records.Highlighted) -> None:
        # Only where somebody went: the tree is drawn anew while one types, too.
        if event.row is not None and event.row.key != self._at and self._texts and event.records.has_focus:
            self._at = event.row.key
            name, _, line = event.row.key.partition(":")
            self._go_to(name, int(line), 1)

    @on(Records.Opened, "#tree")
    def action_edit(self) -> None:
        """Go to the editor."""
        self._editor.focus()

    def _go_to(self, name: str, line: int, column: int) -> None:
        if name in self._texts:
            self._load(name)
            self._editor.move_cursor((line - 1, column - 1), center=True)

    # while one types

    @on(TextArea.Changed)
    def _typed(self, event: TextArea.Changed) -> None:
        event.stop()
        if self._texts and event.text_area.text != self._texts[self._file]:
            self._texts[self._file] = event.text_area.text
            self._look_again()

    @on(TextArea.SelectionChanged)
    def _tell_place(self) -> None:
        """Tell around the editor which rule the cursor is in, and what reaches it, while that is known of this text."""
        editor, covered, name = self._editor, self._covered, self._file
        rule = told = ""
        if covered is not None and covered.texts.get(name) == self._texts[name]:
            line = editor.cursor_location[0] + 1
            rule, told = covered.rule_at(name, line), covered.told_at(name, line, self.session)
        editor.border_title = Text(printable(f"{name} · {rule}" if rule else name, 100))
        editor.border_subtitle = Text(printable(told, 150))

    def _look_again(self) -> None:
        """End what is at work on other texts, and begin with these."""
        for group in ("weigh", "reach"):
            self.workers.cancel_group(self, group)
        self.query_one("#changed", Records).border_subtitle = ""
        self._tell_place()
        self._check()

    @work(exclusive=True, group="check")
    async def _check(self) -> None:
        await asyncio.sleep(TYPING_PAUSE)
        texts = dict(self._texts)
        self._checked = await asyncio.to_thread(self._bench.check, texts)
        self._show_problems()
        self._show_tree()
        if self._checked.loaded is None:
            return
        if self._document:
            await self._try(self._checked.loaded)
        else:
            self.query_one("#changed", Records).tell(self.t("No document was fetched yet."))
        if self._document and self.has_changes:
            self._weigh(self._checked.loaded)
        else:
            self._reach(self._checked.loaded)

    async def _try(self, loaded: Rulebooks) -> None:
        """Show what the rules make of the document."""
        trial = await self.attempt(self._bench.trial, loaded, self._document)
        if trial is None:
            return
        number = printable(trial.document, 40)
        head = Text(self.t("Document {number}, total {total}", number=number, total=trial.total), "bold")
        for stop in trial.stops:
            head.append("\n✗ " + printable(stop, 200))
        self.query_one("#trial", Static).update(head)
        note = self.t("Nothing: as the rules in use.")
        self.query_one("#changed", Records).show(rule_rows.changed(trial), note=note)

    @work(exclusive=True, group="weigh")
    async def _weigh(self, loaded: Rulebooks) -> None:
        """Tell below it what the edited rules would do to the newest documents; the next key ends it."""
        worker, records = get_current_worker(), self.query_one("#changed", Records)
        records.border_subtitle = "…"
        found = await self.attempt(self._bench.impact, loaded, lambda: worker.is_cancelled, NEWEST)
        records.border_subtitle = effect.brief(found, self.session) if found is not None else ""
        self._reach(loaded)

    @work(exclusive=True, group="reach")
    async def _reach(self, loaded: Rulebooks) -> None:
        """Mark what the cases reach of the rules, then tell how often documents did; the next key ends it."""
        worker = get_current_worker()
        coverage = await self.attempt(self._bench.coverage, loaded, lambda: worker.is_cancelled)
        if coverage is None:
            return
        self._covered = Covered(loaded.texts, coverage)
        self._show_tree()
        self._show_problems()
        self._tell_place()
        census = await self.attempt(self._bench.census, loaded, lambda: worker.is_cancelled)
        self._covered = replace(self._covered, census=census)
        self._tell_place()

    def _show_problems(self) -> None:
        """Show what is wrong; when nothing is, what no case reaches."""
        assert self._checked is not None
        found, covered = self._checked.problems, self._covered
        is_known = covered is not None and covered.texts == self._checked.texts
        records = self.query_one("#problems", Records)
        rows = list(rule_rows.problems(found, self._file, self.session))
        if not found and covered is not None and is_known:
            rows = list(rule_rows.uncovered(covered, self._file, self.session))
        records.show(rows, note=self.t("✓ The rules load."))
        records.border_subtitle = self.t("{count} problems", count=len(found)) if found else self.t("valid")
        if is_known and covered is not None and not found:
            records.border_subtitle += " · " + self.t(
                "cases reach {percent} %", percent=covered.coverage.percent
            )
        self._editor.mark(self._problems_here())

    def _problems_here(self) -> list[Diagnostic]:
        found = self._checked.problems if self._checked is not None else ()
        return [one for one in found if one.place.file == f"rules/{self._file}"]

    @on(Records.Opened, "#problems")
    def _to_problem(self, event: Records.Opened) -> None:
        name, line, column, _ = event.row.key.split("|")
        self._go_to(name, int(line), int(column))
        self._editor.focus()

    # actions

    def action_next_problem(self) -> None:
        """Go to the next problem."""
        records = self.query_one("#problems", Records)
        if not records.rows:
            self.mapper.tell(self.t("✓ The rules load."))
            return
        records.action_move(1) if records.cursor < len(records.rows) - 1 else records.action_jump(0)
        records.action_open()

    @work(exclusive=True, group="save")
    async def action_save(self) -> None:
        """Write the files."""
        await self._save()

    async def _save(self) -> bool:
        try:
            await asyncio.to_thread(self._bench.save, dict(self._texts))
        except OSError as error:
            self.mapper.tell(f"{self._bench.folder}: {error.strerror}", severity="error")
            return False
        self._saved = dict(self._texts)
        self._show_tree()
        self.mapper.tell(self.t("Saved in {folder}; not published yet.", folder=str(self._bench.folder)))
        return True

    @work(exclusive=True, group="ask")
    async def action_document(self) -> None:
        """Choose the document that the rules are tried on."""
        found = await self.attempt(self._bench.documents) or []
        options = [(one.id, self._document_title(one)) for one in found]
        chosen = await ask(self.app, Choose(self.t("Try the rules on"), options, chosen=self._document))
        if chosen is not None:
            self._document = chosen
            self._look_again()

    def _document_title(self, one: Document) -> str:
        total = amounts.money(one.total_incl, one.currency, self.session.language)
        return f"{one.number or one.id} · {one.customer} · {total} · {self.t(one.state)}"

    def _ready(self) -> bool:
        """Tell whether the rules load; say so when they do not."""
        if self._checked is None or self._checked.loaded is None:
            self.mapper.tell(self.t("The rules do not load: F8 goes to the problem."), severity="warning")
            return False
        return True

    @work(exclusive=True, group="cases")
    async def action_cases(self) -> None:
        """Run the cases beside the rules."""
        if not self._ready():
            return
        assert self._checked is not None
        assert self._checked.loaded is not None
        result = await self.attempt(self._bench.cases, self._checked.loaded)
        if result is None:
            return
        count, failures = result
        if not failures:
            self.mapper.tell(self.t("All {count} cases hold.", count=count))
            return
        told = Text("\n".join(printable(one, 300) for one in failures[:60]))
        title = self.t("{failed} of {count} cases differ", failed=len(failures), count=count)
        self.app.push_screen(Told(title, told))

    @work(exclusive=True, group="ask")
    async def action_census(self) -> None:
        """Show what the newest documents ask of the tables; a value that no row is for may become one."""
        from tui.census import CensusScreen

        if not self._ready():
            return
        assert self._checked is not None
        loaded = self._checked.loaded
        assert loaded is not None
        worker = get_current_worker()
        self.mapper.tell(self.t("Counting…"))
        found = await self.attempt(self._bench.census, loaded, lambda: worker.is_cancelled)
        if found is None:
            return
        new = await ask(self.app, CensusScreen(found))
        if new is not None:
            name, text, line = with_new_row(loaded, new)
            self._texts[name] = text
            self._editor.focus()
            # Not before the tree, which had the focus until now, has told where its cursor is.
            self.call_after_refresh(self._go_to, name, line, 1)
            self._look_again()

    @work(exclusive=True, group="impact")
    async def action_impact(self) -> None:
        """Show what the rules would have done to the whole history, in euros."""
        if not self._ready():
            return
        assert self._checked is not None
        loaded = self._checked.loaded
        assert loaded is not None
        found = await self._effect(loaded)
        if found is not None:
            self.app.push_screen(Told(self.t("Effect on the history"), effect.told(found, self.session)))

    async def _effect(self, loaded: Rulebooks) -> Impact | None:
        """Map the history again; an edit or another tab does not stop it, a second call does."""
        worker = get_current_worker()
        self.mapper.tell(self.t("Mapping the history again…"))
        return await self.attempt(self._bench.impact, loaded, lambda: worker.is_cancelled)

    @work(exclusive=True, group="publish")
    async def action_publish(self) -> None:
        """Make the rules the active ones."""
        if not self._ready() or (self.has_changes and not await self._save()):
            return
        assert self._checked is not None
        assert self._checked.loaded is not None
        found = await self._effect(self._checked.loaded)
        if found is None:
            return
        told = effect.sums(found, self.session) + "\n\n"
        told += self.t(
            "Cases and overlays are tried first. Running mappers take the rules over; documents remember theirs."
        )
        message = await ask(
            self.app, Ask(self.t("Publish the rules"), told, label=self.t("What changed, and why"))
        )
        if not message:
            return
        said: list[str] = []
        done: Publication | None = await self.attempt(self._bench.publish, message, said.append)
        if done is not None:
            what = self.t("Published {rules}; {count} cases hold.", rules=done.hash[:12], count=done.cases)
            self.mapper.tell(what if done.is_new else self.t("These are the rules in use already."))
        elif said:
            self.app.push_screen(
                Told(self.t("Not published"), Text("\n".join(printable(one, 300) for one in said[:60])))
            )
