"""Files of a backup that the restored database needs: missing or damaged ones are put back."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson

from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.adapters.versions.replaced import newest, replacement
from mlmcsc.domain.archives import ArchiveRecord, check_path, read_manifest
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.versions.layers import Layer
from mlmcsc.errors import IntegrityError, UnsupportedError
from mlmcsc.services.restores.damaged import is_right, keep_aside
from mlmcsc.services.restores.ports import Restored, Source
from mlmcsc.store.backups.beside import refuse_without_room
from mlmcsc.store.queries import archives as archive_queries
from mlmcsc.store.queries import restored as queries

_ROWS: Final = re.compile(r"versions/rows/([0-9a-f]{64})\.parquet", re.ASCII)
_VERSIONS: Final = re.compile(
    r"versions/(?:rows/[0-9a-f]{64}\.parquet|manifests/\d{1,18}-[0-9a-f]{16}\.json"
    r"|replaced/[0-9a-f]{64}\.json)",
    re.ASCII,
)
_IMAGE: Final = re.compile(r"images/([0-9a-f]{2}/([0-9a-f]{64})\.[a-z0-9]{1,8})", re.ASCII)
_REPLACED: Final = re.compile(r"versions/replaced/([0-9a-f]{64})\.json", re.ASCII)
NOWHERE: Final = "is neither here nor in the backup"
NEWER: Final = "a newer state of this archive, after an erasure"


@dataclass(slots=True)
class PutBack:
    """What became of the files.

    Attributes:
        n_files: Put back.
        missing: Name to the reason.
        kept_aside: What was there, but damaged: where it is kept now.
    """

    n_files: int = 0
    missing: dict[str, str] = field(default_factory=dict)
    kept_aside: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Files:
    """Puts the files of one backup back for one restored database.

    Attributes:
        source: The backup.
        restored: The database.
        actor: In whose name.
        progress: Told each file.
        run: Names the folder in which damaged ones are kept.
        images_too: Whether images that are there are checked: not those of the live database, for
            a copy of it.
        done: What became of the files.
    """

    source: Source
    restored: Restored
    actor: Actor
    progress: Progress
    run: str
    images_too: bool
    done: PutBack = field(default_factory=PutBack)

    def put_back(self) -> PutBack:
        """Versions, archives, images; in the order in which their absence hurts.

        Raises:
            IntegrityError: A file is not as it was signed.
            StoreError: One cannot be written.
        """
        by_name = {file.name: file for file in self.source.files}
        self._versions(by_name)
        self._archives(by_name)
        self._images(by_name)
        return self.done

    def _versions(self, files: Mapping[str, StoredFile]) -> None:
        wanted = [file for name, file in files.items() if _VERSIONS.fullmatch(name)]
        if not wanted:
            return
        try:
            root = self.restored.versions.root
        except UnsupportedError as error:
            self.done.missing |= {file.name: str(error) for file in wanted}
            return
        absent = [file for file in wanted if not self._is_there(root, file)]
        if not absent:
            return
        refuse_without_room(root, sum(file.n_bytes for file in absent), "the files of versions")
        with self.restored.versions.locked():
            for at, file in enumerate(absent):
                self.progress("putting versions back", at, len(absent))
                self._version(root, file)

    def _is_there(self, root: Path, file: StoredFile) -> bool:
        """Rows and manifests are written once; a note of a replacement may be a newer one."""
        place = root / file.name.removeprefix("versions/")
        self.progress("checking versions", 0, 1)
        if (note := _REPLACED.fullmatch(file.name)) is None:
            return is_right(place, file.sha256, file.n_bytes)
        try:
            return replacement(root, Layer(note[1], 0, 0)) is not None
        except IntegrityError:
            return False

    def _version(self, root: Path, file: StoredFile) -> None:
        place = root / file.name.removeprefix("versions/")
        if self._took_its_place(root, file):
            return
        if place.exists():
            self._keep_aside(place, root)
        self._fetch(file, place, root)

    def _took_its_place(self, root: Path, file: StoredFile) -> bool:
        """Whether these rows were redacted since: the old ones must not come back."""
        if not (found := _ROWS.fullmatch(file.name)):
            return False
        place = self.restored.versions.place
        newer = replacement(root, Layer(found[1], 0, file.n_bytes))
        return (
            newer is not None
            and newest(root, newer, lambda sha256: place(sha256).exists()) is not None
        )

    def _keep_aside(self, path: Path, root: Path) -> None:
        self.done.kept_aside.append(str(keep_aside(path, root, self.run)))

    def _archives(self, files: Mapping[str, StoredFile]) -> None:
        with self.restored.db.read() as view:
            every = [a for a in archive_queries.every(view) if a.restored_at is None]
            unfinished = archive_queries.unfinished(view)
        for archive in every:
            self.progress("putting archives back", 0, 1)
            try:
                self._archive(archive, files)
            except UnsupportedError as error:
                self.done.missing[f"archives/{archive.path}"] = str(error)
        if unfinished:  # begun before the backup; what lies there now is of a later state
            with self.restored.db.write(self.actor) as tx:
                archive_queries.set_unfinished(tx, [])
                told = {"begun": unfinished}
                tx.record(AuditEvent(Operation.RESTORE, "archives", None, told, n_rows=0))

    def _archive(self, archive: ArchiveRecord, files: Mapping[str, StoredFile]) -> None:
        folder = self.restored.archives
        newer = self._newer(archive)
        if newer is not None:
            self._adopt(archive, *newer)
            return
        place = folder.place(archive.path)
        if place.exists() and self._is_whole(archive):
            return
        prefix = f"archives/{check_path(archive.path)}/"
        names = ["manifest.json", *(f"{f['table']}.parquet" for f in archive.manifest["files"])]
        wanted = [files.get(prefix + name) for name in names]
        if not all(wanted):
            state = "is damaged, and not in the backup" if place.exists() else NOWHERE
            self.done.missing[prefix.rstrip("/")] = state
            return
        with folder.locked():
            draft = folder.root / f".{archive.path}.partial"
            if draft.exists():
                folder.remove(archive.path)
            folder.draft(archive.path)
            for name, file in zip(names, wanted, strict=True):
                if file is not None:
                    self._fetch(file, draft / name, folder.root)
            if place.exists():
                self._keep_aside(place, folder.root)
            draft.rename(place)
            sync_folder(folder.root)

    def _is_whole(self, archive: ArchiveRecord) -> bool:
        try:
            self._check(archive.path, archive.sha256)
        except IntegrityError:
            return False
        return True

    def _check(self, path: str, sha256: str) -> None:
        with self.restored.db.read() as view:
            database_id, _ = archive_queries.identity(view)
            key, verify = view.vault.public_key(view), view.vault.crypto.verify
        self.restored.archives.check(path, sha256, database_id, key, verify)

    def _newer(self, archive: ArchiveRecord) -> tuple[str, bytes] | None:
        """A later writing of the archive that lies here: somebody was erased in it since."""
        folder, name = self.restored.archives, archive.name
        pattern = re.compile(rf"{re.escape(name)}\.(\d{{1,6}})")
        versions = {
            int(found[1]) for path in folder.present() if (found := pattern.fullmatch(path))
        }
        own = int(archive.manifest["version"])
        for version in sorted((v for v in versions if v > own), reverse=True):
            path = f"{name}.{version}"
            raw = (folder.place(path) / "manifest.json").read_bytes()
            sha256 = hashlib.sha256(raw).hexdigest()
            try:
                self._check(path, sha256)
                if read_manifest(raw)[0].name == name:
                    return path, raw
            except IntegrityError as error:
                self.done.missing[f"archives/{path}"] = str(error)
        return None

    def _adopt(self, archive: ArchiveRecord, path: str, raw: bytes) -> None:
        manifest = read_manifest(raw)[0]
        sha256 = hashlib.sha256(raw).hexdigest()
        new = {"path": path, "sha256": sha256, "n_rows": manifest.n_rows}
        with self.restored.db.write(self.actor) as tx:
            archive_queries.change(tx, archive.id, **new, manifest=orjson.loads(raw))
            before = {name: getattr(archive, name) for name in new}
            event = AuditEvent(Operation.RESTORE, "archives", archive.id, before, new, reason=NEWER)
            tx.record(event)

    def _images(self, files: Mapping[str, StoredFile]) -> None:
        by_hash = {m[2]: (file, m[1]) for n, file in files.items() if (m := _IMAGE.fullmatch(n))}
        moved: dict[int, str] = {}

        def is_there(image: queries.ImageFile) -> bool:
            file, _ = by_hash.get(image.content_hash or "", (None, ""))
            if file is None or not self.images_too:
                return os.path.exists(image.path)
            return is_right(Path(image.path), file.sha256, file.n_bytes)

        self.progress("checking images", 0, 1)
        with self.restored.db.read() as view:
            absent = queries.images_without(view, is_there)
        hashes = {image.content_hash or "" for image in absent} & by_hash.keys()
        if hashes and self.restored.images is not None:
            n_bytes = sum(by_hash[each][0].n_bytes for each in hashes)
            refuse_without_room(self.restored.images.absolute(), n_bytes, "the images put back")
        for at, image in enumerate(absent):
            self.progress("putting images back", at, len(absent))
            file, name = by_hash.get(image.content_hash or "", (None, ""))
            if file is None:
                self.done.missing[image.path] = NOWHERE
                continue
            place = self._image(image, file, name)
            if place is not None and str(place) != image.path:
                moved[image.id] = str(place)
        if moved:
            with self.restored.db.write(self.actor) as tx:
                queries.move_images(tx, moved)
                told = {"moved_to": str(self.restored.images), "ids": sorted(moved)[:1000]}
                event = AuditEvent(Operation.RESTORE, "images", None, None, told, n_rows=len(moved))
                tx.record(event)

    def _image(self, image: queries.ImageFile, file: StoredFile, name: str) -> Path | None:
        """Where it lies now; None: it could not be put back, as `missing` tells."""
        if self.restored.images is None:
            self.done.missing[image.path] = "set database.image_store to have it put back"
            return None
        root = self.restored.images.absolute()
        place = root / name
        if os.path.exists(image.path) and Path(image.path) != place:
            self.done.missing[image.path] = (
                "is here, but is not the image that the database knows; move it away and repeat"
            )
            return None
        if not is_right(place, file.sha256, file.n_bytes):
            if place.exists():
                self._keep_aside(place, root)
            self._fetch(file, place, root)
        return place

    def _fetch(self, file: StoredFile, target: Path, root: Path) -> None:
        self.source.fetch(file, target, root)
        self.done.n_files += 1
