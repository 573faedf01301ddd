"""The vault: each person's random id and data key, and the texts sealed under it.

A sealed text reads `mlmcsc:v1:<subject id>:<base64url of nonce, ciphertext and tag>`; its
associated data is the subject id. Destroying the wrapped data key makes every copy of the texts
unreadable, in audit payloads and archives too.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from mlmcsc.config.logs import logger
from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.domain.sealing import Cryptography, KeyStore, MasterKey
from mlmcsc.errors import IntegrityError, MissingKeyError, NoKeyError
from mlmcsc.store import key_settings
from mlmcsc.store.key_settings import PUBLIC_KEY, SIGNING_KEY, setting
from mlmcsc.store.models import privacy_holds, settings, subjects
from mlmcsc.store.queries import persons
from mlmcsc.store.views import View, Writing

PREFIX: Final = "mlmcsc:v1:"
WITHHELD: Final = "[withheld]"
"""What those see who may not see personal data."""
ERASED: Final = "[erased]"
"""What is left of a text whose key was destroyed."""

SEALED: Final = "[sealed]"
"""What is seen of a text where the master key is not at hand."""

SIGNING_CONTEXT: Final = b"audit-signing-key"

_BY_IDENTIFIER = "SELECT subject_id FROM subjects WHERE identifier = ?"
_WRITES_SUBJECTS = "UPDATE subjects SET key_id = key_id WHERE 1 = 0"
"""Takes PostgreSQL's ROW EXCLUSIVE lock, which writers share; SQLite has one writer anyway."""
_ADMIT = (
    "INSERT INTO subjects (subject_id, identifier, wrapped_key, key_id, created_at) "
    "VALUES (?, ?, ?, ?, ?) ON CONFLICT (identifier) DO NOTHING"
)


class Vault:
    """Seals and opens personal texts of one database.

    Args:
        crypto: AES-256-GCM and Ed25519.
        open_keys: From the database's id to the place of its master key.

    Attributes:
        stayed_sealed: Why `show` could not open a text; None while it could.
    """

    def __init__(self, crypto: Cryptography, open_keys: Callable[[str], KeyStore]) -> None:
        self.crypto = crypto
        self._open_keys = open_keys
        self._keys: KeyStore | None = None
        self._masters: dict[str, MasterKey] = {}
        self.stayed_sealed: str | None = None

    def keys(self, view: View) -> KeyStore:
        """Where this database's master key is."""
        if self._keys is None:
            self._keys = self._open_keys(str(setting(view, "database_id")))
        return self._keys

    def prepare(self, tx: Writing) -> None:
        """Give a new or upgraded database its signing key, and itself a master key."""
        if setting(tx, PUBLIC_KEY) is not None:
            return
        keys = self.keys(tx)
        try:
            master = keys.current()
        except MissingKeyError:
            master = keys.create()  # refuses a place where there is something already
        seed = secrets.token_bytes(32)
        wrapped = self.crypto.encrypt(master.key, seed, SIGNING_CONTEXT)
        rows = {
            SIGNING_KEY: {"key_id": master.key_id, "wrapped": base64.b64encode(wrapped).decode()},
            PUBLIC_KEY: self.crypto.public_key(seed).hex(),
        }
        tx.conn.execute(settings.insert(), [{"key": k, "value": v} for k, v in rows.items()])

    def public_key(self, view: View) -> bytes:
        """The Ed25519 key by which this database's signatures are checked, 32 bytes.

        Raises:
            IntegrityError: Its row in `settings` is missing or damaged.
        """
        return key_settings.public_key(view)

    def sign(self, view: View, message: bytes) -> tuple[str, bytes, bytes]:
        """Key id (16 hex digits), public key and signature.

        Raises:
            MissingKeyError: The master key that guards the signing key is not here.
            IntegrityError: The signing key's row in `settings` is missing or damaged.
        """
        wrapped_by, wrapped = self.signing_key(view)
        seed = self.crypto.decrypt(self._master(view, wrapped_by).key, wrapped, SIGNING_CONTEXT)
        public = self.crypto.public_key(seed)
        return key_id(public), public, self.crypto.sign(seed, message)

    def signing_key(self, view: View) -> tuple[str, bytes]:
        """Id of the master key that wraps the signing seed, and the wrapped seed.

        Raises:
            IntegrityError: The row in `settings` is missing or damaged.
        """
        return key_settings.signing_key(view)

    def person(self, tx: Writing, identifier: str, technician_id: int | None = None) -> str:
        """The subject id of the person so called; a person not met before gets one.

        Args:
            tx: The open transaction.
            identifier: Staff number, login or written name, at most 100 characters.
            technician_id: The id in `technicians`, to be linked.

        Raises:
            MissingKeyError: A new person needs the master key, and it is not here.
        """
        found = tx.dialect.execute(tx.conn, _BY_IDENTIFIER, (identifier,))
        subject_id = str(found[0][0]) if found else self._admit(tx, identifier)
        if technician_id is not None:
            tx.conn.execute(
                subjects.update()
                .where(subjects.c.subject_id == subject_id)
                .values(technician_id=technician_id)
            )
        return subject_id

    def _admit(self, tx: Writing, identifier: str) -> str:
        # Rotation locks the table: after this it has not begun, or has ended; only then is the key
        # read, and not from memory.
        tx.dialect.execute(tx.conn, _WRITES_SUBJECTS, ())
        keys = self.keys(tx)
        # A wrong key must not seal anybody: the right one is the one that has the signing key too.
        keys.get(self.signing_key(tx)[0])
        master = keys.current()
        self._masters[master.key_id] = master
        subject_id = f"p{secrets.token_hex(12)}"
        wrapped = self.crypto.encrypt(master.key, secrets.token_bytes(32), subject_id.encode())
        encode = tx.dialect.encoder(subjects.c.created_at)
        now = tx.now if encode is None else encode(tx.now)
        row = (subject_id, identifier, wrapped, master.key_id, now)
        tx.dialect.execute(tx.conn, _ADMIT, row)  # another writer may have been faster
        ((found,),) = tx.dialect.execute(tx.conn, _BY_IDENTIFIER, (identifier,))
        return str(found)

    def sealer(self, view: View, who: Iterable[str]) -> Callable[[str, str], str]:
        """A function from subject id and text to the sealed text.

        Raises:
            MissingKeyError: The master key is not here; and by the function, for erased people.
        """
        keys = self._data_keys(view, set(who))

        def seal(subject_id: str, text: str) -> str:
            if subject_id not in keys:
                raise MissingKeyError(f"{subject_id} was erased: nothing more can be kept of them.")
            sealed = self.crypto.encrypt(keys[subject_id], text.encode(), subject_id.encode())
            return f"{PREFIX}{subject_id}:{base64.urlsafe_b64encode(sealed).decode()}"

        return seal

    def seal(self, view: View, subject_id: str, text: str | None) -> str | None:
        """One text under the person's key; None stays None. See `sealer`."""
        return None if text is None else self.sealer(view, [subject_id])(subject_id, text)

    def reveal(self, view: View, actor: Actor, values: Sequence[Any]) -> list[Any]:
        """The values with their sealed texts opened, as far as the actor may see them.

        Everyone may see their own. What may not be seen reads `[withheld]`, what was erased
        `[erased]`; values that are not sealed come back as they are.

        Raises:
            MissingKeyError: The master key is not here.
            IntegrityError: A sealed text was changed.
        """
        who = people_in(values)
        if not who:
            return list(values)
        visible = self._visible(view, actor, who)
        keys = self._data_keys(view, visible)
        return [self._open(value, visible, keys) for value in values]

    def show(self, view: View, actor: Actor, values: Sequence[Any]) -> list[Any]:
        """As `reveal`, to look at: without any master key, `[sealed]` stands for the texts.

        Measurements stay readable on a machine that was never given the key.

        Raises:
            MissingKeyError: There is a key, or one was named, and it does not serve.
            IntegrityError: A sealed text was changed.
        """
        try:
            return self.reveal(view, actor, values)
        except NoKeyError as error:
            if self.stayed_sealed is None:
                logger(__name__).warning("personal_texts_stay_sealed", reason=str(error))
            self.stayed_sealed = str(error)
            return [value if subject_of(value) is None else SEALED for value in values]

    def unseal(self, view: View, values: Sequence[Any]) -> list[Any]:
        """The values opened whoever asks, for rules that compare them; see `reveal`."""
        who = people_in(values)
        keys = self._data_keys(view, who) if who else {}
        return [self._open(value, who, keys) for value in values]

    def names(self, view: View, values: Sequence[Any]) -> list[Any]:
        """As `unseal`, but None for whose key is gone, or not yet put back after a restore.

        `[erased]` is nobody's name, and must not be searched for as one.
        """
        who = people_in(values)
        keys = self._data_keys(view, who) if who else {}
        known = {None, *keys}
        return [self._open(v, who, keys) if subject_of(v) in known else None for v in values]

    def reveal_json(self, view: View, actor: Actor, document: Any) -> Any:
        """A JSON document with the sealed texts in it opened; see `reveal`."""
        texts = list(dict.fromkeys(_sealed_in(document)))
        opened = dict(zip(texts, self.reveal(view, actor, texts), strict=True))
        return _replaced(document, opened) if texts else document

    def show_json(self, view: View, actor: Actor, document: Any) -> Any:
        """A JSON document with the sealed texts in it opened; see `show`."""
        texts = list(dict.fromkeys(_sealed_in(document)))
        opened = dict(zip(texts, self.show(view, actor, texts), strict=True))
        return _replaced(document, opened) if texts else document

    def _visible(self, view: View, actor: Actor, who: set[str]) -> set[str]:
        if Permission.PRIVACY in actor.permissions:
            return who
        restricted = restricted_subjects(view)
        if Permission.READ_PERSONAL in actor.permissions and not restricted:
            return who

        def opened(texts: Sequence[Any]) -> Sequence[str | None]:
            try:
                return self.names(view, texts)
            except MissingKeyError:  # aliases in clear are found nevertheless
                return persons.unread(texts)

        own = persons.of_login(view, actor.subject, opened)
        visible = set() if own is None else who & set(own.subject_ids)
        if Permission.READ_PERSONAL in actor.permissions:
            barred = [p for each in restricted for p in persons.called(view, each, opened)]
            visible |= who.difference(*(person.subject_ids for person in barred))
        return visible

    def _open(self, value: Any, visible: set[str], keys: dict[str, bytes]) -> Any:
        subject_id = subject_of(value)
        if subject_id is None:
            return value
        if subject_id not in visible:
            return WITHHELD
        if subject_id not in keys:
            return ERASED
        _, _, body = value.removeprefix(PREFIX).partition(":")
        try:
            sealed = base64.urlsafe_b64decode(body)
        except ValueError:
            raise IntegrityError(f"A sealed text of {subject_id} is not base64.") from None
        return self.crypto.decrypt(keys[subject_id], sealed, subject_id.encode()).decode()

    def _data_keys(self, view: View, who: Iterable[str]) -> dict[str, bytes]:
        """Data keys of those who still have one."""
        c = subjects.c
        query = sa.select(c.subject_id, c.wrapped_key, c.key_id).where(
            view.dialect.ids_in(c.subject_id, list(who)), c.wrapped_key.is_not(None)
        )
        return {
            row.subject_id: self.crypto.decrypt(
                self._master(view, row.key_id).key, row.wrapped_key, row.subject_id.encode()
            )
            for row in view.conn.execute(query)
        }

    def _master(self, view: View, wanted: str) -> MasterKey:
        if wanted not in self._masters:
            self._masters[wanted] = self.keys(view).get(wanted)
        return self._masters[wanted]


def restricted_subjects(view: View) -> set[str]:
    """People whose data may only be stored (GDPR Art. 18)."""
    c = privacy_holds.c
    query = sa.select(c.subject_id).where(
        c.kind == "restrict", c.released_at.is_(None), c.subject_id.is_not(None)
    )
    return {str(subject_id) for subject_id in view.conn.scalars(query)}


def key_id(public: bytes) -> str:
    """First 16 hex digits of SHA-256 over a public key."""
    return hashlib.sha256(public).hexdigest()[:16]


def is_clear(value: Any) -> bool:
    """Whether this is a text that is not sealed."""
    return isinstance(value, str) and not value.startswith(PREFIX)


def subject_of(value: Any) -> str | None:
    """Whose sealed text this is; None for anything else."""
    if not isinstance(value, str) or not value.startswith(PREFIX):
        return None
    return value.removeprefix(PREFIX).partition(":")[0]


def people_in(values: Iterable[Any]) -> set[str]:
    """The people whose sealed texts are among the values."""
    return {who for who in map(subject_of, values) if who is not None}


def _sealed_in(document: Any) -> Iterable[str]:
    match document:
        case str() if subject_of(document) is not None:
            yield document
        case dict():
            for value in document.values():
                yield from _sealed_in(value)
        case list() | tuple():
            for value in document:
                yield from _sealed_in(value)


def _replaced(document: Any, opened: dict[str, Any]) -> Any:
    match document:
        case str():
            return opened.get(document, document)
        case dict():
            return {key: _replaced(value, opened) for key, value in document.items()}
        case list() | tuple():
            return [_replaced(value, opened) for value in document]
    return document
