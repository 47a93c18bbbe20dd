"""Show a run while it goes on, and ask at the terminal what it asks."""

from __future__ import annotations

import select
import sys
import time

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from drtool.cli import show
from drtool.cli.picture import picture
from drtool.connections.ssh_signer import Signer
from drtool.errors import DrtoolError, Interrupted
from drtool.model.event import ConsentAsked
from drtool.model.pulse import Life, Living
from drtool.progress.life import life_sentence
from drtool.progress.narrate import narrate
from drtool.verbs.follow import Following, following
from drtool.verbs.launch import Launched

POLL_SECONDS = 0.02
LEFT = 130


def follow(
    run: str,
    *,
    as_json: bool,
    ask: bool,
    engine: Launched | None = None,
    signer: Signer | None = None,
) -> int:
    """Follow a run to its end; the run's own exit code.

    ``engine`` is one that was started here: if it ends before its run, its last words and its
    exit code are told. ``signer`` has the keys by which this terminal's person proves who it is.
    Ctrl-C leaves the run alone and says how to come back.
    """
    followed = following(run, signer)
    try:
        if as_json:
            _as_json(followed)
        elif sys.stdout.isatty():
            _live(followed, ask=ask and sys.stdin.isatty())
        else:
            _plain(followed)
        return _code(followed, engine)
    except DrtoolError:
        if (code := _last_words(engine)) is None:
            raise
        return code
    except KeyboardInterrupt:
        typer.echo(f"\nthe run goes on; come back with: drtool attach {followed.run}", err=True)
        return LEFT
    finally:
        followed.journal.close()


class _Watch:
    """Says of itself when the engine does not move, and when it moves again; each once."""

    def __init__(self, followed: Following) -> None:
        self._followed = followed
        self._told: Life | None = None

    def news(self) -> str:
        """A sentence to tell now, or ""."""
        life, run = self._followed.life, self._followed.run
        hung = life is not None and life.word is Living.HUNG
        if life is None or hung == (self._told is not None):
            return ""
        self._told = life if hung else None
        return f"run {run}: {life_sentence(life, run) if hung else 'its engine moves again'}"


def _as_json(followed: Following) -> None:
    watch = _Watch(followed)
    while True:
        for event in followed.poll():
            typer.echo(event.model_dump_json())
        if news := watch.news():
            typer.echo(news, err=True)
        if followed.over:
            return
        time.sleep(POLL_SECONDS)


def _plain(followed: Following) -> None:
    watch = _Watch(followed)
    while True:
        for event in followed.poll():
            line = narrate(event, followed.state)
            if line:
                typer.echo(line)
        if news := watch.news():
            typer.echo(news)
        if followed.over:
            break
        time.sleep(POLL_SECONDS)
    show.ending(followed.state)


def _live(followed: Following, *, ask: bool) -> None:
    out = show.console()
    asked: set[str] = set()
    while not followed.over:
        waiting = None
        with Live(console=out, auto_refresh=False, transient=True) as live:
            while not followed.over and waiting is None:
                followed.poll()
                if followed.seen:
                    live.update(_picture(followed), refresh=True)
                    waiting = _unanswered(followed, asked) if ask else None
                time.sleep(POLL_SECONDS * 4)
        if waiting is not None:
            out.print(picture(followed.state, followed.now(), followed.life))
            _ask(followed, waiting, asked)
    if followed.seen:
        out.print(picture(followed.state, followed.now(), followed.life))
        show.ending(followed.state)


def _picture(followed: Following) -> Group:
    """The run, and above it an engine that does not move."""
    life = followed.life
    shown = picture(followed.state, followed.now(), life)
    if life is None or life.word is not Living.HUNG:
        return shown
    return Group(Text(life_sentence(life, followed.run), style="bold red"), shown)


def _code(followed: Following, engine: Launched | None) -> int:
    ended = followed.state.ended if followed.seen else None
    if ended is not None:
        return ended.exit_code
    if (code := _last_words(engine)) is not None:
        return code
    gone = followed.life
    error = Interrupted(
        f"run {followed.run}",
        life_sentence(gone, followed.run) if gone else "its engine is gone and it has not ended",
        hint=f"drtool explain {followed.run}, then drtool resume {followed.run}",
    )
    typer.echo(error.text(), err=True)
    return error.exit_code


def _last_words(engine: Launched | None) -> int | None:
    """Tell why the engine ended before its run; its exit code, or None when it said nothing."""
    words = engine.last_words() if engine is not None else None
    if words is None:
        return None
    typer.echo(words.text, err=True)
    return words.exit_code


def _unanswered(followed: Following, asked: set[str]) -> ConsentAsked | None:
    for consent in followed.state.waiting_for:
        if f"{consent.asked.step} {consent.asked_at.monotonic}" not in asked:
            return consent.asked
    return None


def _ask(followed: Following, question: ConsentAsked, asked: set[str]) -> None:
    """Put one question; an answer from elsewhere, or the run's end, ends the wait."""
    service = followed.state.plan.service
    asked.update(
        f"{consent.asked.step} {consent.asked_at.monotonic}"
        for consent in followed.state.waiting_for
        if consent.asked.step == question.step
    )
    show.question(question, service, followed.standing(question))
    reason = followed.reason_not_to_ask(question)
    if reason is not None:
        typer.echo(reason)
        return
    watch = _Watch(followed)
    while True:
        sys.stdout.write(f"Type {service} to consent, no to refuse: ")
        sys.stdout.flush()
        while not select.select([sys.stdin], [], [], POLL_SECONDS)[0]:
            followed.poll()
            over = followed.over
            if news := watch.news():
                typer.echo(f"\n{news}")
            if over or question not in _waiting(followed):
                typer.echo("" if over else "\nanswered elsewhere, or asked anew")
                return
        said = sys.stdin.readline().strip()
        if said == service or said.lower() in {"no", "n"}:
            try:
                followed.answer(question, approve=said == service, service=said)
            except DrtoolError as error:
                typer.echo(error.text(), err=True)
                continue
            return
        typer.echo(f"{said!r} is not the service's name.")


def _waiting(followed: Following) -> list[ConsentAsked]:
    return [consent.asked for consent in followed.state.waiting_for]
