"""Listings: one page, or all of them without holding them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mlmcsc.cli.output import Column, as_json, note, table
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.results import Page

F = TypeVar("F", bound=Callable[..., Any])
Fetch = Callable[[int, int], "Page[Any]"]

BATCH = 1000


def listing(command: F) -> F:
    """The options of every listing: `--limit`, `--after-id`, `--all`."""
    for option in (
        click.option("--all", "everything", is_flag=True, help="Every record, not one page."),
        click.option(
            "--after-id",
            type=click.IntRange(0),
            default=0,
            metavar="ID",
            help="Begin after this id.",
        ),
        click.option(
            "--limit",
            type=click.IntRange(1),
            metavar="N",
            help="Page size; else performance.page_size.",
        ),
    ):
        command = option(command)
    return command


def given(**filters: Any) -> dict[str, Any]:
    """The filters that were asked for."""
    return {name: value for name, value in filters.items() if value is not None}


def show_listing(
    session: Session,
    fetch: Fetch,
    columns: Sequence[Column],
    *,
    limit: int | None,
    after_id: int,
    everything: bool,
) -> None:
    """Print a page (or all pages) of records.

    As JSON: `{"items": […], "next_after_id": n}`, where null says that there is no more.
    """
    if limit is None:
        limit = session.load_config().performance.page_size
    pages = _all(fetch, after_id) if everything else iter([fetch(after_id, limit)])
    if session.json:
        _json(pages)
        return
    shown, last = 0, None
    for page in pages:
        if page:
            table(columns, page)
        shown, last = shown + len(page), page.next_after_id
    if not shown:
        note("nothing to show")
    elif last is not None:
        note(f"there is more: add --after-id {last}, or --all")


def _all(fetch: Fetch, after_id: int) -> Iterator[Page[Any]]:
    position: int | None = after_id
    while position is not None:
        page = fetch(position, BATCH)
        yield page
        position = page.next_after_id


def _json(pages: Iterator[Page[Any]]) -> None:
    separator, last = "", None
    click.echo('{"items":[', nl=False)
    for page in pages:
        for record in page:
            click.echo(separator + as_json(record), nl=False)
            separator = ","
        last = page.next_after_id
    click.echo(f'],"next_after_id":{as_json(last)}}}')
