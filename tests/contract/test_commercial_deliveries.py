"""What the Commercial stand-in delivers of its account's own logs."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployment import REPOSITORY
from tests.contract.commercial_clients import BEARER, NOVA_BODY, call, control
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_auth import API_KEY


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def commercial(logs: Path) -> Iterator[CommercialStandIn]:
    with CommercialStandIn(logs_folder=logs) as stand_in:
        yield stand_in


def delivered(logs: Path, kind: str) -> list[dict[str, Any]]:
    """The entries of all files of a kind, in the order of their names."""
    texts = [
        gzip.decompress(path.read_bytes()) for path in sorted(logs.glob(f"AWSLogs/*/{kind}/us-east-1/*/*/**/*.gz"))
    ]
    documents = [json.loads(line) for text in texts for line in text.splitlines()]
    return [entry for document in documents for entry in document.get("Records", [document])]


def test_the_stand_in_logs_as_commercial_does(commercial: CommercialStandIn, logs: Path) -> None:
    """Both logs, with prompts in the one that has them, and with refusals; without strangers."""
    call(commercial, headers={"Authorization": "Bearer made-up"})
    call(commercial, headers={**BEARER, "X-Amzn-Bedrock-Request-Metadata": '{"team": "blue"}'})
    commercial.inject("throttle")
    call(commercial, headers=BEARER)
    call(commercial, "GET", "/inference-profiles", b"", BEARER)
    assert not logs.exists()
    assert control(commercial, "POST", "deliver-logs")[0] == 200

    events = delivered(logs, "CloudTrail")
    served, throttled = delivered(logs, "BedrockModelInvocationLogs")

    known = [entry["requestId"] for entry in commercial.requests[1:]]
    assert [event["requestID"] for event in events] == known
    assert [event["eventName"] for event in events] == ["InvokeModel", "InvokeModel", "ListInferenceProfiles"]
    assert [event.get("errorCode") for event in events] == [None, "ThrottlingException", None]
    assert [served["requestId"], throttled["requestId"]] == known[:2]
    assert served["input"]["inputBodyJson"] == json.loads(NOVA_BODY)
    assert served["requestMetadata"] == {"team": "blue"}
    assert throttled["errorCode"] == "ThrottlingException"
    assert API_KEY not in json.dumps([events, served, throttled])
    before = set(logs.rglob("*.gz"))
    control(commercial, "POST", "deliver-logs")  # nothing is delivered twice
    assert set(logs.rglob("*.gz")) == before


def test_the_stand_ins_process_delivers_its_logs_at_its_end(logs: Path) -> None:
    command = [sys.executable, "tests/fakes/commercial.py", "--logs-folder", str(logs)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = f"http://127.0.0.1:{int(process.stdout.readline())}/foundation-models"
        with urllib.request.urlopen(urllib.request.Request(url, headers=BEARER), timeout=5) as answer:
            request_id = answer.headers["x-amzn-requestid"]
        process.terminate()
        assert process.wait(timeout=5) == 0
    assert [event["requestID"] for event in delivered(logs, "CloudTrail")] == [request_id]
