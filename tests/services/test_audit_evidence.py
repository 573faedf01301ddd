"""An evidence bundle convinces a third party who has nothing but Python, while it is true."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile

import orjson
import pytest

from mlmcsc import Actor, Permission
from mlmcsc.adapters.evidence import verify_evidence
from mlmcsc.errors import ConflictError, IntegrityError, PermissionDeniedError, UnknownRecordError


@pytest.fixture
def story(db, draw):
    """A specimen with two images, single and batch events, and another specimen beside it."""
    for name in ("S1", "S2"):
        db.register_specimen(name, material="steel")
    images = [
        db.store_image(draw(f"{i}.png", seed=i), specimen_id="S1" if i < 2 else "S2")
        for i in range(3)
    ]
    who = db.register_technician("tech_001", "Jo Lund")
    first = db.store_label(images[0], who, 0.5, notes="a note of Jo Lund")
    db.store_labels({"image_id": images, "label": [0.1, 0.2, 0.3]}, technician_id=who)
    db.store_label(images[2], who, 0.5)
    db.update_label(first, label=0.6, reason="counted again")
    return images


@pytest.fixture
def bundle(db, story, tmp_path):
    path = tmp_path / "evidence.zip"
    db.audit_proof.evidence("specimen", "S1", path)
    return path


def members(path):
    with zipfile.ZipFile(path) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def rewrite(path, change):
    with zipfile.ZipFile(path, "w") as bundle:
        for name, data in change.items():
            bundle.writestr(name, data)


def events(path):
    return [json.loads(line) for line in members(path)["events.jsonl"].splitlines()]


def verdict(*arguments):
    return verify_evidence.main([str(a) for a in arguments])


def test_it_holds_the_specimens_events_and_no_others(bundle):
    found = [(e["table_name"], e["operation"], e["record_id"]) for e in events(bundle)]

    assert [f for f in found if f[0] == "specimens"] == [("specimens", "CREATE", 1)]
    assert len([f for f in found if f[0] == "images"]) == 2
    labels = {f[1:] for f in found if f[0] == "labels"}
    assert labels == {("CREATE", 1), ("CREATE", None), ("UPDATE", 1)}


def test_the_script_in_it_runs_alone_and_says_intact(bundle, tmp_path):
    folder = tmp_path / "unpacked"
    folder.mkdir()
    for name, data in members(bundle).items():
        (folder / name).write_bytes(data)
    for arguments in ([], [str(bundle)]):
        done = subprocess.run(
            [sys.executable, "-I", str(folder / "verify.py"), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.splitlines()[-1] == "intact"


def test_nobodys_name_note_or_login_is_in_it(db, bundle):
    text = b"".join(members(bundle).values())

    for clear in ("Jo Lund", "tech_001", "counted again", f'"{db.actor.subject}"'):
        assert clear.encode() not in text


def test_logins_and_reasons_are_disclosed_on_demand(db, story, tmp_path):
    path = tmp_path / "who.zip"
    db.audit_proof.evidence("specimen", "S1", path, who=True)

    assert {e["who"]["user_id"] for e in events(path)} == {db.actor.subject}
    assert "counted again" in {e["who"]["reason"] for e in events(path)}
    assert verdict(path) == 0


def test_disclosure_needs_the_right_to_read_personal_data(db, story, tmp_path):
    auditor = db.acting_as(Actor("auditor", frozenset({Permission.AUDIT})))

    with pytest.raises(PermissionDeniedError, match="read_personal"):
        auditor.audit_proof.evidence("specimen", "S1", tmp_path / "x.zip", who=True)


@pytest.mark.sqlite_tells
def test_a_key_or_checkpoint_known_from_elsewhere_is_compared(db, story, tmp_path, capsys):
    earlier = tmp_path / "earlier.json"
    key = db.audit_proof.checkpoint(earlier).public_key
    db.register_specimen("S3")
    path = tmp_path / "evidence.zip"
    db.audit_proof.evidence("specimen", "S1", path)
    later = tmp_path / "later.json"
    db.register_specimen("S4")
    db.audit_proof.checkpoint(later)
    forged = tmp_path / "forged.json"
    forged.write_text(earlier.read_text().replace('"root_hash": "', '"root_hash": "00')[:-3])

    assert verdict(path, "--public-key", key) == 0
    assert verdict(path, "--public-key", "0" * 64) == 1
    assert verdict(path, "--checkpoint", earlier) == 0
    assert "begins with the" in capsys.readouterr().out
    assert verdict(path, "--checkpoint", later) == 2
    assert verdict(path, "--checkpoint", forged) == 2
    assert verdict(path, "--checkpoint", tmp_path / "absent.json") == 2


FIELDS = ["id", "operation", "table_name", "record_id", "subject_id", "timestamp", "n_rows"]


@pytest.mark.sqlite_tells
@pytest.mark.parametrize("field", [*FIELDS, "who_commit", "payload_commit", "seq", "path"])
def test_a_changed_field_is_found(bundle, field):
    every = members(bundle)
    first, *rest = events(bundle)
    other = {"id": 99, "record_id": 99, "seq": 99, "n_rows": 99, "path": first["path"][1:]}
    first[field] = other.get(field, "0" * 64 if "commit" in field else "x")
    every["events.jsonl"] = "\n".join(map(json.dumps, [first, *rest])).encode()
    rewrite(bundle, every)

    assert verdict(bundle) == 1


@pytest.mark.sqlite_tells
@pytest.mark.parametrize("name", sorted({*verify_evidence.FILES.split()} - {"verify.py"}))
def test_changed_bytes_of_a_file_are_found(bundle, name):
    every = members(bundle)
    for at in range(5, len(every[name]), max(1, len(every[name]) // 25)):
        changed = bytearray(every[name])
        changed[at] ^= 1
        rewrite(bundle, every | {name: bytes(changed)})
        assert verdict(bundle) in {1, 2}, at


@pytest.mark.sqlite_tells
def test_an_event_left_out_or_doubled_is_found(bundle):
    every = members(bundle)
    lines = every["events.jsonl"].splitlines(keepends=True)
    for changed in (lines[1:], [*lines, lines[0]]):
        rewrite(bundle, every | {"events.jsonl": b"".join(changed)})
        assert verdict(bundle) == 1


@pytest.mark.sqlite_tells
@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a/../verify.py", "C:\\evil", "events.jsonl/"]
)
def test_path_tricks_are_refused(bundle, name):
    rewrite(bundle, members(bundle) | {name: b"x"})

    assert verdict(bundle) == 2


@pytest.mark.sqlite_tells
def test_a_link_in_the_unpacked_folder_is_refused(bundle, tmp_path):
    folder = tmp_path / "unpacked"
    folder.mkdir()
    for name, data in members(bundle).items():
        (folder / name).write_bytes(data)
    (folder / "events.jsonl").rename(tmp_path / "elsewhere")
    (folder / "events.jsonl").symlink_to(tmp_path / "elsewhere")

    assert verdict(folder) == 2


@pytest.mark.sqlite_tells
def test_a_damaged_or_missing_bundle_is_told_without_a_traceback(bundle, tmp_path):
    whole = bundle.read_bytes()
    with zipfile.ZipFile(bundle) as opened:
        at = opened.getinfo("events.jsonl").header_offset + 100
    for damaged in (b"", whole[:-30], whole[:at] + b"\xff\xff" + whole[at + 2 :], b"no zip"):
        bundle.write_bytes(damaged)
        assert verdict(bundle) in {1, 2}
    assert verdict(tmp_path / "absent.zip") == 2


def test_evidence_of_a_model_and_a_data_version(db, sql, tmp_path):
    db.register_model_version("v1.0", "net", "/models/net")
    sql("INSERT INTO data_versions (version, name) VALUES ('d1', 'first')")
    db.audit_proof.evidence("model", "v1.0", tmp_path / "model.zip")
    made = db.audit_proof.evidence("dataset", "d1", tmp_path / "data.zip")

    assert [e["table_name"] for e in events(tmp_path / "model.zip")] == ["model_versions"]
    assert made.events == 0  # raw SQL left no event, and the bundle says so
    assert verdict(tmp_path / "model.zip") == 0
    assert verdict(tmp_path / "data.zip") == 2


def test_it_is_refused_for_what_is_not_there_or_in_the_way(db, story, bundle, tmp_path):
    with pytest.raises(UnknownRecordError, match="specimen 'S9'"):
        db.audit_proof.evidence("specimen", "S9", tmp_path / "x.zip")
    with pytest.raises(ConflictError, match="exists"):
        db.audit_proof.evidence("specimen", "S1", bundle)
    assert not (tmp_path / "x.zip").exists()


def test_the_trail_keeps_that_it_was_made(db, bundle, audit):
    last = audit()[-1]

    assert last.operation == "EXPORT"
    assert '"evidence":"specimen"' in str(last.new_values).replace("'", '"').replace(": ", ":")


@pytest.fixture
def signed_anew(bundle, db):
    """Rewrites the bundle as a lying laboratory would: with its own key over other events."""

    def rewrite_as(change, subject_change=None):
        every = members(bundle)
        lines = events(bundle)
        change(lines)
        every["events.jsonl"] = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        subject = orjson.loads(every["subject.json"])
        subject.pop("signature")
        subject["files"]["events.jsonl"] = hashlib.sha256(every["events.jsonl"]).hexdigest()
        subject.update(subject_change or {})
        text = b"mlmcsc-evidence-1\n" + orjson.dumps(subject, option=orjson.OPT_SORT_KEYS)
        with db._database.store.read() as view:
            subject["signature"] = view.vault.sign(view, text)[2].hex()
        every["subject.json"] = orjson.dumps(subject)
        rewrite(bundle, every)
        return verdict(bundle)

    return rewrite_as


@pytest.mark.sqlite_tells
def test_a_bundle_signed_anew_without_change_still_holds(signed_anew):
    assert signed_anew(lambda _: None) == 0


@pytest.mark.sqlite_tells
@pytest.mark.parametrize(
    ("part", "shown"),
    [
        ("payload", {"state": "Disclosed", "salt": "00" * 16, "old": None, "new": "{}"}),
        ("payload", {"state": "redacted", "new": "{}"}),
        ("payload", {"state": "withheld"}),
        ("who", {"state": "withheld", "user_id": "mallory"}),
        ("who", {"state": "other"}),
        ("who", {}),
    ],
)
def test_values_that_are_shown_without_being_proven_are_found(signed_anew, part, shown):
    assert signed_anew(lambda lines: lines[0].update({part: shown})) == 1


@pytest.mark.sqlite_tells
def test_an_extra_field_of_an_event_is_found(signed_anew):
    assert signed_anew(lambda lines: lines[0].update(user_id="mallory")) == 1


@pytest.mark.sqlite_tells
def test_a_missing_field_of_an_event_is_found(signed_anew):
    assert signed_anew(lambda lines: lines[0].pop("digest")) == 1


@pytest.mark.sqlite_tells
def test_the_output_counts_what_is_disclosed_and_calls_the_subject_a_statement(bundle, capsys):
    count = len(events(bundle))

    assert verdict(bundle) == 0
    told = capsys.readouterr().out
    assert f"who withheld: {count}, who redacted: 0, values disclosed: {count}" in told
    assert "specimen S1 is the producer's statement" in told


@pytest.mark.sqlite_tells
@pytest.mark.parametrize("field", ["kind", "name", "proves", "made_at", "who_disclosed"])
def test_an_altered_subject_is_found(bundle, field):
    every = members(bundle)
    subject = json.loads(every["subject.json"]) | {field: "other"}
    rewrite(bundle, every | {"subject.json": json.dumps(subject).encode()})

    assert verdict(bundle) == 1


@pytest.mark.sqlite_tells
def test_an_unknown_format_cannot_be_judged(signed_anew):
    assert signed_anew(lambda _: None, {"format": "xx"}) == 2


@pytest.mark.sqlite_tells
def test_a_bundle_without_events_proves_nothing(signed_anew):
    assert signed_anew(list.clear, {"events": []}) == 2


@pytest.mark.sqlite_tells
def test_a_line_that_is_too_long_cannot_be_judged(bundle, monkeypatch, capsys):
    monkeypatch.setattr(verify_evidence, "LARGEST", 100)

    assert verdict(bundle) == 2
    assert "too large" in capsys.readouterr().out


@pytest.mark.sqlite_tells
def test_the_whole_of_events_may_be_larger_than_what_is_read_at_once(bundle, monkeypatch):
    every = members(bundle)
    longest = max(map(len, every["events.jsonl"].splitlines(keepends=True)))
    limit = max(longest, len(every["subject.json"])) + 1
    assert len(every["events.jsonl"]) > limit
    monkeypatch.setattr(verify_evidence, "LARGEST", limit)

    assert verdict(bundle) == 0


@pytest.mark.sqlite_tells
@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_compressions_are_refused_whole_or_damaged(bundle, method):
    every = members(bundle)
    with zipfile.ZipFile(bundle, "w", method) as made:
        for name, data in every.items():
            made.writestr(name, data)
    assert verdict(bundle) == 2
    damaged = bytearray(bundle.read_bytes())
    damaged[50:120] = bytes(each ^ 0x5A for each in damaged[50:120])
    bundle.write_bytes(bytes(damaged))
    assert verdict(bundle) == 2


@pytest.mark.sqlite_tells
@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="a device of POSIX")
def test_a_device_is_no_bundle_and_no_checkpoint(bundle):
    assert verdict("/dev/zero") == 2
    assert verdict(bundle, "--checkpoint", "/dev/zero") == 2


def test_no_evidence_is_made_of_a_changed_event(db, story, sql, tmp_path):
    db.audit_proof.checkpoint()
    change_event(db, sql, "UPDATE audit_logs SET new_values = '[1]' WHERE id = 4")

    with pytest.raises(IntegrityError, match="event 4: old_values, new_values"):
        db.audit_proof.evidence("specimen", "S1", tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def change_event(db, sql, statement):
    if db.url.startswith("sqlite"):
        sql("DROP TRIGGER audit_logs_no_update")
    else:
        sql("ALTER TABLE audit_logs DISABLE TRIGGER ALL")
    sql(statement)
