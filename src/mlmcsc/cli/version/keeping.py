"""`mlmcsc version list`, `show`, `tag`, `untag` and `delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.confirming import agreed
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import Column, attribute, counted, facts, note, print_json, say, size, table
from mlmcsc.cli.paging import listing, show_listing
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.records import DataVersionRecord
    from mlmcsc.domain.versions.reports import DeletedVersion, VersionDetails

ROOT = 12
"""Characters of a root that tell one version from another."""
BAR = 30
"""Characters of the longest bar of a histogram."""


@click.command("list", cls=Command, example="version list\nversion list --all --json")
@listing
@click.pass_obj
def list_versions(session: Session, /, **page: Any) -> None:
    """List versions: tags, images in each split, size of the rows, root.

    A version whose row was damaged is listed too; `version show` says what to do.
    """
    with session.open() as db:
        tags: dict[str, list[str]] = {}
        for tag_name, version in db.versions.tags().items():
            tags.setdefault(version, []).append(tag_name)
        columns = (
            attribute("id", right=True),
            attribute("version"),
            Column("tags", lambda v: ", ".join(tags.get(v.version, [])) or None),
            attribute("total_images", "images", right=True),
            attribute("total_labels", "labels", right=True),
            Column("train/val/test", _splits, right=True),
            Column("size", _size, right=True),
            Column("root", lambda v: v.root and v.root[:ROOT], whole=True, minor=True),
            Column("redacted", lambda v: v.n_redacted or None, right=True, minor=True),
            attribute("description", minor=True),
            attribute("created_at", "created (UTC)", whole=True, minor=True),
        )
        show_listing(
            session,
            lambda after, most: db.versions.list(after_id=after, limit=most),
            columns,
            **page,
        )


@click.command("show", cls=Command, example="version show v1.0\nversion show production --json")
@click.argument("version")
@click.pass_obj
def show(session: Session, version: str) -> None:
    """Show one version, by name or tag: splits, labels, features, models, bytes."""
    with session.open() as db:
        found = db.versions.show(version)
    if session.json:
        print_json(found.to_dict())
    else:
        _show(found)


@click.command("tag", cls=Command, example="version tag v1.1 production")
@click.argument("version")
@click.argument("tag")
@click.pass_obj
def tag(session: Session, version: str, tag: str) -> None:
    """Point TAG to VERSION; a tag that is there moves."""
    with session.open() as db:
        db.versions.tag(version, tag)
    if session.json:
        print_json({"version": version, "tag": tag})
    else:
        say(f"{tag} points to {version}")


@click.command("untag", cls=Command, example="version untag production")
@click.argument("tag")
@click.pass_obj
def untag(session: Session, tag: str) -> None:
    """Take a tag away; the version stays."""
    with session.open() as db:
        db.versions.untag(tag)
    if session.json:
        print_json({"tag": tag, "version": None})
    else:
        say(f"{tag} is no tag any more")


@click.command(
    "delete",
    cls=Command,
    example="""
        version delete v0.9 --dry-run
        version delete v0.9 --confirm --reason "superseded"
    """,
)
@click.argument("version")
@click.option("--dry-run", is_flag=True, help="Say what would go; delete nothing.")
@click.option(
    "--force", is_flag=True, help="Also a version with a tag, a model, exports, or damaged files."
)
@click.option("--confirm", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(session: Session, *, version: str, dry_run: bool, force: bool, confirm: bool) -> int:
    """Delete a version for good, with the rows and vectors that only it has.

    The audit trail keeps its root.
    """
    with session.open() as db:
        plan = db.versions.delete(version, dry_run=True)
        if dry_run:
            _show_deletion(session, plan)
            return OK
        question = f"Delete version {version} ({size(plan.bytes_freed)} of its own) for good?"
        if not agreed(question, given=confirm):
            return FINDING
        _show_deletion(session, db.versions.delete(version, force=force))
    return OK


commands = (list_versions, show, tag, untag, delete)


def _show_deletion(session: Session, done: DeletedVersion) -> None:
    if session.json:
        print_json(done)
        return
    verb = "deleted" if done.deleted else "would be deleted"
    say(
        f"{done.version} {verb}: {size(done.bytes_freed)} of rows, "
        f"{counted(done.vectors_freed, 'replaced vector')}; "
        f"{counted(done.images_released, 'image')} in no version any more"
    )
    if done.tags:
        note(f"tags: {', '.join(done.tags)}")
    if done.models:
        note(f"trained on it: {', '.join(done.models)}")
    if done.exports:
        note(f"{counted(done.exports, 'export')} of it: `version exports` lists them")
    if done.damage:
        note(f"damaged: {done.damage}")


def _splits(record: DataVersionRecord) -> str | None:
    """Images in each split."""
    from mlmcsc.domain.versions.reports import damage_of  # noqa: PLC0415  # not for --help

    if record.manifest is None or damage_of(record):
        return None
    return "/".join(f"{count:,}" for count in record.manifest["report"]["splits"].values())


def _size(record: DataVersionRecord) -> str | None:
    """Bytes of the rows, or that nobody can tell where they are."""
    from mlmcsc.domain.versions.layers import read_layers  # noqa: PLC0415  # not for --help
    from mlmcsc.domain.versions.reports import damage_of  # noqa: PLC0415

    if damage_of(record):
        return "damaged"
    if record.layers is None:
        return None
    return size(sum(layer.n_bytes for layer in read_layers(record.layers)))


def _show(found: VersionDetails) -> None:
    record = found.record
    manifest = {} if found.damage else record.manifest or {}
    facts(
        {
            "version": record.version,
            "name": record.name,
            "description": record.description,
            "tags": ", ".join(found.tags) or None,
            "created": record.created_at,
            "by": record.created_by,
            "images": record.total_images,
            "labels": record.total_labels,
            "redacted": f"{counted(record.n_redacted, 'record')} redacted"
            if record.n_redacted
            else None,
            "mean quality": record.avg_quality_score,
            "label policy": manifest.get("label_policy"),
            "seed": manifest.get("seed"),
            "filters": manifest.get("filters") or None,
            "root": record.root or "none: it was recorded without its images",
            "manifest": found.manifest_path,
            "rows": _stored(found),
            "trained on it": ", ".join(found.models) or None,
            "damaged": found.damage,
        }
    )
    if found.features:
        table(FEATURES, found.features, title="Features")
    if found.splits and record.label_distribution and not found.damage:
        _show_labels(found)
    for reason, count in found.report.get("left_out", {}).items():
        say(f"{count:,} left out: {reason}")


def _stored(found: VersionDetails) -> str | None:
    if not found.layers:
        return None
    total = sum(layer.n_bytes for layer in found.layers)
    files = counted(len(found.layers), "file")
    return f"{size(total)} in {files}, {size(found.shared_bytes)} shared with other versions"


def _show_labels(found: VersionDetails) -> None:
    """A histogram for each split, without empty bins; bars of one split are to one scale."""
    histogram = found.record.label_distribution
    edges = histogram["edges"]
    for name, count in found.splits.items():
        say(f"\n{name}: {counted(count, 'image')}")
        bars = histogram.get(name, [])
        most = max([*bars, 1])
        for low, high, number in zip(edges, edges[1:], bars, strict=False):
            if not number:
                continue
            bar = "#" * (-(-number * BAR // most))
            say(f"  {low:8.3g} to {high:<8.3g} {number:>9,} {bar}".rstrip())


FEATURES = (
    attribute("feature_type", "type"),
    attribute("extractor_version", "extractor"),
    attribute("feature_dimension", "dimension", right=True),
    attribute("dtype"),
    attribute("n_vectors", "vectors", right=True),
    attribute("digest", minor=True),
)
