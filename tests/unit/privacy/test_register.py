"""No column without a privacy tag: this is where CI stops a schema that forgot one."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from mlmcsc.domain.privacy.activities import ACTIVITIES
from mlmcsc.domain.privacy.places import tagged_places
from mlmcsc.domain.privacy.register import REGISTER
from mlmcsc.domain.privacy.tags import (
    WHILE_RECORD_LIVES,
    EraseAction,
    Source,
    SubjectKind,
    Tag,
    columns,
)
from mlmcsc.domain.retention import TYPES
from mlmcsc.store.migrations.triggers_0002 import PAYLOAD, WHO
from mlmcsc.store.models import metadata

COLUMNS = {f"{c.table.name}.{c.name}": c for t in metadata.tables.values() for c in t.columns}
TAGS = {f"{table}.{column}": tag for table, column, tag in tagged_places()}
PERSONAL = [place for place, tag in TAGS.items() if tag.personal]

OF_TYPE = {
    "labels": ("labels", "label_revisions"),
    "images": ("images", "image_aliases", "image_quality"),
    "login_attempts": ("login_attempts",),
    "sessions": ("sessions",),
    "api_tokens": ("api_tokens",),
    "alerts": ("alerts",),
    "job_runs": ("job_runs",),
    "label_reservations": ("label_reservations",),
    "privacy_requests": ("privacy_requests",),
    "privacy_holds": ("privacy_holds",),
    "technicians": ("technicians",),
}
"""The tables with personal data whose rows a retention type ends, or strips of the person."""


def test_every_column_has_a_tag():
    assert COLUMNS.keys() - TAGS.keys() == set()


def test_every_tag_has_a_column():
    assert TAGS.keys() - COLUMNS.keys() == set()


@pytest.mark.parametrize("place", [place for place, tag in TAGS.items() if tag.sealed])
def test_what_is_sealed_is_text_that_can_hold_it(place):
    stored = COLUMNS[place].type.dialect_impl(postgresql.dialect())
    assert isinstance(stored, sa.String)
    assert stored.length is None


@pytest.mark.parametrize("place", [place for place, tag in TAGS.items() if tag.identifier])
def test_what_names_a_person_is_text_and_speaks_of_a_person(place):
    assert isinstance(COLUMNS[place].type, sa.String)
    assert TAGS[place].personal


@pytest.mark.parametrize("place", [place for place, tag in TAGS.items() if tag.free_text])
def test_free_text_is_text_or_json_and_speaks_of_a_person(place):
    assert isinstance(COLUMNS[place].type, (sa.String, sa.JSON))
    assert TAGS[place].personal


@pytest.mark.parametrize("place", PERSONAL)
def test_a_personal_column_says_why_by_which_law_how_long_and_what_erasure_does(place):
    tag = TAGS[place]
    told = (tag.category, tag.purpose, tag.basis, tag.ground, tag.retention, tag.how)
    assert "" not in told
    assert tag.basis.startswith("GDPR Art. 6(1)(")
    assert tag.ground.startswith("GDPR Art. 17(")
    assert tag.recipients
    assert tag.activity in ACTIVITIES
    assert tag.source is not Source.NONE


@pytest.mark.parametrize("place", sorted(TAGS.keys() - set(PERSONAL)))
def test_a_column_that_is_not_personal_is_kept_and_claims_no_purpose(place):
    tag = TAGS[place]
    assert tag.action is EraseAction.KEEP
    assert (tag.activity, tag.ground, tag.sealed) == (None, "", False)


@pytest.mark.parametrize("place", PERSONAL)
def test_the_law_fits_what_erasure_does(place):
    tag = TAGS[place]
    refused = tag.ground.startswith("GDPR Art. 17(3)")
    assert refused is (tag.action is not EraseAction.ERASE)


@pytest.mark.parametrize("place", [p for p in PERSONAL if TAGS[p].action is EraseAction.KEEP])
def test_no_name_no_own_words_and_nothing_sealed_is_simply_kept(place):
    tag = TAGS[place]
    assert [tag.identifier, tag.free_text, tag.sealed] == [False] * 3


@pytest.mark.parametrize("place", [place for place, tag in TAGS.items() if tag.sealed])
def test_what_is_sealed_is_erased_with_its_key(place):
    assert TAGS[place].action is EraseAction.ERASE


@pytest.mark.parametrize("place", PERSONAL)
def test_a_required_column_that_is_erased_says_what_takes_its_place(place):
    tag, column = TAGS[place], COLUMNS[place]
    if tag.action is EraseAction.ERASE and not column.nullable:
        assert tag.how != "removed"


@pytest.mark.parametrize("kind", OF_TYPE)
def test_what_is_told_of_retention_is_what_retention_does(kind):
    told = {
        tag.retention for table in OF_TYPE[kind] for tag in REGISTER[table].values() if tag.personal
    }
    assert told == {TYPES[kind].setting}


def test_of_an_event_a_period_ends_what_redaction_removes_and_nothing_else():
    ended = {
        column
        for column, tag in REGISTER["audit_logs"].items()
        if tag.retention == TYPES["audit"].setting
    }
    assert ended == {*WHO, *PAYLOAD}


def test_a_period_is_told_only_of_tables_whose_rows_retention_ends():
    ended = {table for tables in OF_TYPE.values() for table in tables} | {"audit_logs"}
    told = {
        table
        for table, _, tag in tagged_places()
        if tag.personal and tag.retention != WHILE_RECORD_LIVES
    }
    assert told == ended


def test_people_appear_in_every_part():
    assert {tag.subject for tag in TAGS.values()} == set(SubjectKind)


def test_a_column_with_two_tags_is_refused():
    with pytest.raises(ValueError, match="'path' has two tags"):
        columns((Tag("a"), "id path"), (Tag("b"), "path"))
