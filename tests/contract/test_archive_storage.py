"""How S3 keeps the archive's objects: locks, their mode and length, the key, the time, and what a lifecycle does."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from archive_check.bucket import ArchiveBucket
from archive_check.findings import Findings
from tests.contract.archive_bench import RETENTION_DAYS, TODAY, ArchiveBench
from tests.contract.archive_tampering import DAY1, DAY2, DAY3, FIRST, broken, key, rechained, verified

SOON = datetime.now(UTC) + timedelta(days=30)
OVER = datetime.now(UTC) - timedelta(hours=1)


def test_a_lock_that_was_shortened(archive: ArchiveBench) -> None:
    archive.lock(key(DAY2, 2), SOON)
    text = f"short lock: {key(DAY2, 2)} is locked until {SOON:%Y-%m-%d}, not for the 913 days configured"
    assert broken(archive) == [f"{text}, and not for as long as {key(DAY2, 1)}"]


def test_a_lock_that_was_shortened_after_the_retention_was_raised(archive: ArchiveBench) -> None:
    archive.configure(retention={"mode": "GOVERNANCE", "days": RETENTION_DAYS + 1000})
    archive.lock(key(DAY2, 1), SOON)  # the first of the range: the one before it is asked
    for first in (DAY1, DAY2):
        lines = broken(archive, first, DAY2)
        assert [line.partition(" is locked")[0] for line in lines if not line.startswith("note: ")] == [
            f"short lock: {key(DAY2, 1)}"
        ]


def test_locks_from_before_the_retention_was_raised_are_no_breaks(archive: ArchiveBench) -> None:
    archive.configure(retention={"mode": "GOVERNANCE", "days": RETENTION_DAYS + 1000})
    note, _ = verified(archive)
    assert note == "note: 12 objects were locked for 913 days when they were stored, before it was 1913"
    archive.lock(key(DAY3, 3), datetime.now(UTC) + timedelta(days=2000))  # made longer in S3, or written since
    verified(archive)


def test_longer_locks_than_configured_are_no_breaks(archive: ArchiveBench) -> None:
    archive.configure(retention={"mode": "GOVERNANCE", "days": 400})
    assert len(verified(archive)) == 1


def test_the_lock_of_the_object_before_all_days_is_checked_once(archive: ArchiveBench) -> None:
    archive.lock(FIRST, SOON)
    (line,) = broken(archive)
    assert line.startswith(f"short lock: {FIRST} is locked until ")
    archive.date(FIRST, archive.stored_at(FIRST))
    archive.configure(retention={"mode": "COMPLIANCE", "days": RETENTION_DAYS})
    text = "is locked in mode GOVERNANCE, not in COMPLIANCE as configured"
    assert broken(archive, DAY1, DAY1) == [
        f"weak lock: {name} {text}" for name in (FIRST, *(key(DAY1, number) for number in (1, 2, 3, 4)))
    ]
    assert len(broken(archive, DAY2, DAY2)) == 4  # others, outside, are not this range's


def test_objects_that_are_not_encrypted_with_the_archives_key(archive: ArchiveBench) -> None:
    archive.s3.delete_bucket_encryption(Bucket=archive.bucket)
    archive.forge(key(DAY2, 2), archive.read(key(DAY2, 2)))
    text = f"wrong key: {key(DAY2, 2)} is encrypted with no key of KMS, not with the archive's key"
    assert broken(archive) == [text]
    archive.configure(kms_key_arn="arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/another")
    assert len(broken(archive)) == 12


def test_a_rewrite_of_everything_is_betrayed_by_when_it_was_stored(archive: ArchiveBench) -> None:
    """Every hash, the head and the table can be made to agree; when S3 got an object, nobody can choose."""
    archive.date(key(DAY2, 2), datetime.now(UTC))
    (line,) = broken(archive)
    assert line.startswith(f"rewritten object: {key(DAY2, 2)} says that it was archived at {DAY2}T1")
    assert f", and S3 has it since {TODAY}T" in line


def test_a_rewrite_that_says_when_it_was_made_is_betrayed_by_its_key(archive: ArchiveBench) -> None:
    now = datetime.now(UTC)

    def archive_now(entries: list[dict[str, Any]]) -> None:
        entries[0]["archivedAt"] = now.isoformat()

    archive.forge(key(DAY3, 3), rechained(archive.lines(key(DAY3, 3)), archive_now))
    archive.date(key(DAY3, 3), now)
    text = f"rewritten object: {key(DAY3, 3)} says that it was archived at {now:%Y-%m-%dT%H:%M:%SZ}"
    assert f"{text}, when its successor's day was over" in broken(archive)


def expire(archive: ArchiveBench, *keys: str) -> None:
    """Let the locks of some objects have ended, and the lifecycle hide the objects."""
    for name in keys:
        archive.lock(name, OVER)
        archive.s3.delete_object(Bucket=archive.bucket, Key=name)


DAY1_KEYS = [FIRST, *(key(DAY1, number) for number in (1, 2, 3, 4))]


def test_a_lifecycle_is_no_break(archive: ArchiveBench) -> None:
    """It hides objects behind delete markers when their locks have ended, and deletes them a month later."""
    archive.configure(retention={"mode": "GOVERNANCE", "days": 1})
    all_keys = archive.keys()
    for name in all_keys:
        archive.lock(name, OVER)
    expire(archive, *DAY1_KEYS)
    assert verified(archive)[0] == ("note: 5 objects have a delete marker, as their locks have ended; they are checked")
    assert len(verified(archive, DAY2, DAY3)) == 1


def test_what_a_lifecycle_has_deleted_is_not_missed(archive: ArchiveBench) -> None:
    archive.configure(retention={"mode": "GOVERNANCE", "days": 1})
    all_keys = archive.keys()
    for name in all_keys:
        archive.lock(name, archive.stored_at(name) + timedelta(days=1))
    expire(archive, *DAY1_KEYS)
    archive.remove(*DAY1_KEYS)
    for first, last in ((DAY1, DAY3), (DAY2, DAY3), (DAY1, DAY1)):
        notes = verified(archive, first, last)[:-1]
        assert f"note: 1 object before the range is gone, as its retention is over: {key(DAY1, 4)}" in notes
    archive.remove(key(DAY2, 2))  # S3 does not delete in the order of the chain
    notes = verified(archive)[:-1]
    assert f"note: 1 gaps are where the retention is over: objects up to {key(DAY2, 2)} are gone" in notes


def test_what_is_gone_before_its_lock_ended_is_missed(archive: ArchiveBench) -> None:
    archive.remove(*DAY1_KEYS)
    for until in (archive.stored_at(key(DAY2, 1)) + timedelta(days=5), datetime(9999, 12, 31, tzinfo=UTC)):
        archive.lock(key(DAY2, 1), until)
        assert f"removed object: {key(DAY1, 4)} is missing, on which {key(DAY2, 1)} follows" in broken(archive)


@pytest.mark.parametrize("short", [(key(DAY3, 1),), (key(DAY3, 1), key(DAY3, 2))], ids=len)
@pytest.mark.parametrize(("first", "last"), [(DAY2, DAY2), (DAY2, DAY3), (DAY3, DAY3), (DAY1, DAY1), (DAY1, DAY3)])
def test_a_shortened_lock_excuses_no_gap(archive: ArchiveBench, first: date, last: date, short: Sequence[str]) -> None:
    archive.remove(*(key(DAY2, number) for number in (1, 2, 3, 4)))
    for name in short:
        archive.lock(name, archive.stored_at(name) + timedelta(minutes=5))
    lines = broken(archive, first, last)
    assert any(line.startswith(("removed object: ", "removed day: ")) for line in lines)
    assert not any("retention is over" in line for line in lines)


def test_the_lock_of_an_object_with_nothing_beside_it_excuses_no_gap(archive: ArchiveBench) -> None:
    """With nothing before it, the one behind it says how long locks were."""
    archive.remove(FIRST, *(key(day, number) for day in (DAY1, DAY2) for number in (1, 2, 3, 4)))
    archive.lock(key(DAY3, 1), archive.stored_at(key(DAY3, 1)) + timedelta(minutes=5))
    text = f"removed object: {key(DAY2, 4)} is missing, on which {key(DAY3, 1)} follows"
    assert text in broken(archive, DAY3, DAY3)
    archive.lock(key(DAY3, 2), archive.stored_at(key(DAY3, 2)) + timedelta(minutes=5))
    archive.remove(key(DAY3, 2), key(DAY3, 3))
    assert text in broken(archive, DAY3, DAY3)


def test_what_was_gone_before_the_retention_was_raised_is_not_missed(archive: ArchiveBench) -> None:
    """Its own lock had ended, as those of its neighbours say, which are shorter than what is configured now."""
    archive.configure(retention={"mode": "GOVERNANCE", "days": 400})
    for name in sorted(archive.keys()):
        archive.lock(name, archive.stored_at(name) + timedelta(days=1))
    archive.remove(*DAY1_KEYS)
    assert f"note: 1 object before the range is gone, as its retention is over: {key(DAY1, 4)}" in verified(archive)
    archive.remove(key(DAY2, 2))
    notes = verified(archive)
    assert f"note: 1 gaps are where the retention is over: objects up to {key(DAY2, 2)} are gone" in notes


def test_the_object_behind_a_range_is_checked_where_its_lock_excuses_a_gap(archive: ArchiveBench) -> None:
    archive.configure(retention={"mode": "GOVERNANCE", "days": 1})
    for name in sorted(archive.keys()):
        archive.lock(name, archive.stored_at(name) + timedelta(days=1))
    archive.remove(*DAY1_KEYS, *(key(DAY2, number) for number in (1, 2, 3, 4)))
    archive.on(TODAY)
    archive.forge(key(DAY3, 1), archive.read(key(DAY3, 1)))
    archive.date(key(DAY3, 1), datetime.now(UTC))
    archive.lock(key(DAY3, 1), datetime.now(UTC) + timedelta(days=1))
    (line,) = (line for line in broken(archive, DAY1, DAY1) if not line.startswith("note: "))
    assert line.startswith(f"rewritten object: {key(DAY3, 1)} says that it was archived at {DAY3}T")


def test_the_first_of_several_versions_is_checked_wherever_a_page_of_them_ends() -> None:
    pages = [
        {"Versions": [{"Key": key(DAY2, 2), "VersionId": "third"}]},
        {"Versions": [{"Key": key(DAY2, 2), "VersionId": name} for name in ("second", "first")]},
    ]

    def paginate(Prefix: str, Delimiter: str = "", **_: str) -> Any:  # noqa: N803 - boto3's names
        below = Prefix + key(DAY2, 2).removeprefix(Prefix).partition("/")[0] + "/"
        return iter([{"CommonPrefixes": [{"Prefix": below}]}] if Delimiter else pages)

    s3: Any = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=paginate))
    findings = Findings()
    assert ArchiveBucket(s3, "bucket", findings).keys(str(DAY2), str(DAY2)) == [key(DAY2, 2)]
    (line,) = findings.lines
    assert line.endswith("has a second version (second, third); the first one is checked, first")
