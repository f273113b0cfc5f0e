"""The scheduled check of the archive: whether records wait for it, also where Lambda delivers none of them."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import handler
from inference_proxy.models import Deadline, timestamp_ms
from tests.contract.archive_bench import ArchiveBench, append
from tests.contract.faulty_aws import FaultyAws
from tests.contract.router_bench import Context, RouterBench

Lag = Callable[[], float | None]


@pytest.fixture
def archive(
    bench: RouterBench, aws_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> Iterator[ArchiveBench]:
    """An archive, empty, of the audit table on the bench."""
    with ArchiveBench(aws_url, tmp_path, monkeypatch, capsys).running() as archive:
        archive.audit_table = bench.table
        bench.restart(AUDIT_ARCHIVE_BUCKET=archive.bucket, AUDIT_ARCHIVE_TABLE_NAME=archive.head_table)
        yield archive


@pytest.fixture
def lag(bench: RouterBench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lag:
    """Runs the check: the metric as it was printed, None if it was not."""

    def run() -> float | None:
        monkeypatch.setattr(handler, "TASKS", bench.tasks)
        capsys.readouterr()
        answer = handler.lambda_handler({"task": "watch"}, Context())
        (line,) = [line for line in map(json.loads, capsys.readouterr().out.splitlines()) if "_aws" in line]
        value: float | None = line.get("ArchiveLagSeconds", [None])[0]
        assert answer.get("ArchiveLagSeconds") == value
        assert (value is None) == (line["WatchFailures"] == [1.0])
        return value

    return run


def begin(archive: ArchiveBench, ago: timedelta, name: str = "a") -> dict[str, Any]:
    """A record that was begun so long ago."""
    archive.clock.skew_seconds = -round(ago.total_seconds())
    return archive.begin(name)


def grow(archive: ArchiveBench, ago: timedelta, *records: dict[str, Any]) -> None:
    """Archive them, so long ago."""
    archive.clock.skew_seconds = -round(ago.total_seconds())
    append(archive.writer(), records)


def test_nothing_waits_where_nothing_was_written_since(archive: ArchiveBench, lag: Lag) -> None:
    """Neither a week's silence nor a record that is in the archive is a delay."""
    assert lag() == 0
    grow(archive, timedelta(days=7), begin(archive, timedelta(days=8)))
    assert lag() == 0
    grow(archive, timedelta(hours=4), begin(archive, timedelta(hours=5), "b"))
    assert lag() == 0


def test_the_oldest_record_that_waits_is_the_delay(archive: ArchiveBench, lag: Lag) -> None:
    grow(archive, timedelta(hours=4), begin(archive, timedelta(hours=5)))
    begin(archive, timedelta(minutes=10), "b")
    assert 600 <= (lag() or 0) < 660
    begin(archive, timedelta(hours=3), "c")
    assert 3 * 3600 <= (lag() or 0) < 3 * 3600 + 60
    grow(archive, timedelta(0), begin(archive, timedelta(0), "d"))
    assert lag() == 0


def test_it_grows_to_a_day_where_nothing_was_ever_archived(archive: ArchiveBench, lag: Lag) -> None:
    """The mapping is disabled, the role may not read the stream: what is older is lost, and no longer waits."""
    for hours in (23, 26):
        begin(archive, timedelta(hours=hours), f"before {hours} h")
    assert 23 * 3600 <= (lag() or 0) < 23 * 3600 + 60


def test_a_head_from_before_it_had_a_time_counts_as_none(archive: ArchiveBench, lag: Lag) -> None:
    grow(archive, timedelta(hours=1), begin(archive, timedelta(hours=2)))
    key = {"chain": {"S": "audit"}}
    item = archive.dynamodb.get_item(TableName=archive.head_table, Key=key)["Item"]
    moment = datetime.fromisoformat(item.pop("advancedAt")["S"])
    assert abs((datetime.now(UTC) - moment).total_seconds() - 3600) < 60
    assert timestamp_ms(moment).endswith("Z")
    archive.dynamodb.put_item(TableName=archive.head_table, Item=item)
    assert (lag() or 0) >= 7200


def test_a_table_that_cannot_be_read_is_a_failed_check(
    bench: RouterBench, archive: ArchiveBench, faulty_aws: FaultyAws, lag: Lag
) -> None:
    """No number is better than a wrong one."""
    bench.restart(AWS_ENDPOINT_URL_DYNAMODB=faulty_aws.url)
    faulty_aws.faults["GetItem"] = "AccessDeniedException"
    assert lag() is None


def test_without_an_archive_there_is_no_such_check(bench: RouterBench) -> None:
    assert "ArchiveLagSeconds" not in bench.tasks["watch"]({}, "id", Deadline.after(20))
