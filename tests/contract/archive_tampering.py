"""What tests of the archive's check share: the days of its archive, what it says, how it is changed."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from tests.contract.archive_bench import TODAY, ArchiveBench

FIRST = "records/00000000.jsonl.gz"
DAY1, DAY2, DAY3 = (TODAY - timedelta(days=days) for days in (4, 3, 2))


def key(day: date, number: int) -> str:
    return f"records/{day:%Y/%m/%d}/{number:08d}.jsonl.gz"


def broken(archive: ArchiveBench, first: date = DAY1, last: date = DAY3) -> list[str]:
    """What the check of a broken archive says, without its last line."""
    code, lines = archive.verify(first, last)
    assert code == 1
    assert lines[-1].startswith("BROKEN: ")
    return lines[:-1]


def verified(archive: ArchiveBench, first: date = DAY1, last: date = DAY3) -> list[str]:
    """What the check of an honest archive says, with its last line."""
    code, lines = archive.verify(first, last)
    assert (code, lines[-1][:10]) == (0, "verified: "), lines
    return lines


def rechained(lines: Sequence[bytes], change: Any) -> list[bytes]:
    """An object's lines, changed by somebody who knows how hashes are made."""
    entries = [json.loads(line)["entry"] for line in lines]
    change(entries)
    previous, written = entries[0]["previousHash"], []
    for entry in entries:
        text = json.dumps(entry, separators=(",", ":"))
        previous = hashlib.sha256(f"{previous}{text}".encode()).hexdigest()
        written.append(f'{{"hash":"{previous}","entry":{text}}}\n'.encode())
    return written


def table_key(archive: ArchiveBench, request_id: str) -> dict[str, Any]:
    (item,) = archive.dynamodb.query(
        TableName=archive.audit_table,
        KeyConditionExpression="requestId = :id",
        ExpressionAttributeValues={":id": {"S": request_id}},
    )["Items"]
    return {name: item[name] for name in ("requestId", "timestamp")}


def set_attribute(archive: ArchiveBench, request_id: str, name: str, value: dict[str, str] | None) -> None:
    """Change a record in the table, as somebody might while the stream is off; None removes the attribute."""
    values: dict[str, Any] = {"ExpressionAttributeValues": {":value": value}} if value else {}
    archive.dynamodb.update_item(
        TableName=archive.audit_table,
        Key=table_key(archive, request_id),
        UpdateExpression="SET #name = :value" if value else "REMOVE #name",
        ExpressionAttributeNames={"#name": name},
        **values,
    )
