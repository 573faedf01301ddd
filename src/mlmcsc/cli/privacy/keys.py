"""`mlmcsc privacy keys|rotate-key|seal`: the master key, and texts that lie in clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.confirming import agreed
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import counted, facts, note, print_json, say
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.backups.holdings import Holdings
    from mlmcsc.domain.privacy.keys import KeptState, KeyState
    from mlmcsc.manager import DatabaseManager


@click.command("keys", cls=Command, example="privacy keys\n--json privacy keys")
@click.pass_obj
def keys(session: Session) -> int:
    """Show where the keys are, what they wrap, and which backups need them; ids only, never a key.

    Exits 1 when a key or file that is needed is not there, or does not serve.
    """
    with session.open() as db:
        state, backups = db.vault_keys.state(), db.vault_keys.backups()
    if session.json:
        told = {"encrypted_backups": backups.by_key, "unread_backups": backups.unread}
        summed = {"older": state.older, "unfinished": state.unfinished}
        print_json({**state.to_dict(), **summed, **told})
    else:
        _show_state(state)
        _show_kept(state.kept)
        _show_backups(backups)
    problems = state.missing, state.problem, state.kept.problem
    return FINDING if any(problems) else OK


def _show_state(state: KeyState) -> None:
    facts(
        {
            "place": state.place,
            "current": state.current or "not here",
            "people wrapped by it": f"{state.people.get(state.current or '', 0):,}",
            "people wrapped by older keys": f"{state.older:,}",
            "signing key wrapped by": state.signing_key,
            "older, still here": ", ".join(state.retired) or "none",
            "of an unfinished rotation": ", ".join(state.pending) or None,
            "missing": ", ".join(state.missing) or "none",
            "problem": state.problem,
        }
    )
    if state.unfinished:
        note("a rotation was interrupted: `mlmcsc privacy rotate-key` finishes it")
    if state.missing or state.problem is not None:
        note("bring the key file or variable back; until then these people's names are unreadable")


def _show_kept(kept: KeptState) -> None:
    held = f"{counted(kept.people, 'person', 'people')}, "
    held += "up to date" if kept.current else "brought up to date by the next backup"
    facts({"data keys for restores": kept.place, "of": held, "problem with it": kept.problem})


def _show_backups(backups: Holdings) -> None:
    for key, paths in backups.by_key.items():
        say(f"the key {key} opens {counted(len(paths), 'encrypted backup')}: {', '.join(paths)}")
    for path, why in backups.unread.items():
        note(f"which key is needed there cannot be told: {path}: {why}")


@click.command(
    "rotate-key",
    cls=Command,
    example="""
        privacy rotate-key --reason 'yearly'
        privacy rotate-key --destroy-old
        privacy rotate-key --destroy-old --confirm
        privacy rotate-key --destroy-old --force
    """,
)
@click.option("--destroy-old", is_flag=True, help="Remove the older keys for good; asks first.")
@click.option("--force", is_flag=True, help="Give up backups that an older key encrypts.")
@click.option("--confirm", is_flag=True, help="Do it without asking.")
@click.pass_obj
def rotate_key(session: Session, *, destroy_old: bool, force: bool, confirm: bool) -> int:
    """Make a new master key, and wrap everybody's data keys by it.

    Interrupted, it goes on with the same key when it is run again. The old key is kept for copies
    and encrypted backups from its time, until --destroy-old, which refuses while backups in the
    places of the settings need it. With the key in the variable MLMCSC_KEY, set that to the new
    key and MLMCSC_KEY_RETIRED to the old one first.
    """
    with session.open() as db:
        if force and not destroy_old:
            raise click.UsageError("--force is of --destroy-old only.")
        if destroy_old and not _agreed(db, force=force, confirm=confirm):
            return FINDING
        with progress() as report:
            done = db.vault_keys.rotate(progress=report)
        gone = db.vault_keys.destroy_retired(force=force) if destroy_old else None
    if session.json:
        destroyed = None if gone is None else gone.to_dict()
        print_json({**done.to_dict(), "destroy_old": destroyed})
        return OK
    if done.resumed:
        note("an interrupted rotation was finished; run it again for yet another key")
    say(f"the master key is {done.key_id}; {counted(done.people, 'data key')} wrapped by it anew")
    if gone is not None:
        say(f"destroyed: {', '.join(gone.destroyed) or 'none'}")
        if gone.kept:
            note(f"kept, as they still wrap something here: {', '.join(gone.kept)}")
        if gone.lost:
            note(f"nobody can read these backups any more: {', '.join(gone.lost)}")
    elif done.retired:
        note(
            f"older keys are kept for what is from their time: {', '.join(done.retired)}; "
            "--destroy-old removes them"
        )
    return OK


def _agreed(db: DatabaseManager, *, force: bool, confirm: bool) -> bool:
    """Tell what it means, and ask, before anything is changed."""
    if not force:
        db.vault_keys.refuse_lost_backups()
    state = db.vault_keys.state()
    note("with the older keys gone, copies from their time can never show a name again")
    note("backups that are encrypted under them can never be read again, wherever they lie")
    if force:
        for key, paths in db.vault_keys.backups().by_key.items():
            told = f"{counted(len(paths), 'backup')} under {key}: {', '.join(paths)}"
            note(f"--force gives up what an older key encrypts; {told}")
    others = "copies of this database" if state.own_place else "other databases"
    note(f"{others} may use {state.place} too: rotate their keys first, or they lose all names")
    return agreed("Rotate, and destroy every older key for good?", given=confirm)


@click.command(
    "seal",
    cls=Command,
    example="""
        privacy seal --dry-run
        privacy seal --reason 'rows imported by SQL'
    """,
)
@click.option("--dry-run", is_flag=True, help="Show what lies in clear; change nothing.")
@click.pass_obj
def seal(session: Session, *, dry_run: bool) -> None:
    """Encrypt personal texts that raw SQL has written in clear.

    The audit trail is not touched: `audit verify` tells of events that mlmcsc did not write.
    """
    with session.open() as db:
        found = db.sealing.clear() if dry_run else db.sealing.seal()
    if session.json:
        print_json({"in_clear" if dry_run else "sealed": found})
        return
    done = "in clear" if dry_run else "sealed"
    for place, count in found.items():
        say(f"{place}: {counted(count, 'row')} {done}")
    if not found:
        say("nothing lies in clear")


commands = (keys, rotate_key, seal)
