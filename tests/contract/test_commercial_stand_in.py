"""The Commercial stand-in as a server: its log, its control API, its connections and its process."""

from __future__ import annotations

import hashlib
import http.client
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests

from tests.contract.commercial_clients import BEARER, NOVA, NOVA_BODY, call, control, signed
from tests.fakes import commercial_auth as made_up
from tests.fakes.commercial import CommercialStandIn


def test_the_request_log_tells_everything_but_the_credential(commercial: CommercialStandIn) -> None:
    token = {"key": made_up.SESSION_ACCESS_KEY_ID, "token": made_up.SESSION_TOKEN}
    started = time.time()
    call(commercial, headers={**BEARER, "X-Audit": "kept"})
    call(commercial, headers=signed(commercial, **token))
    call(commercial, "GET", f"/foundation-models?X-Amz-Security-Token={made_up.SESSION_TOKEN}&a=1", b"", {})
    _, log = control(commercial, "GET", "requests")
    text = json.dumps(log)
    for secret in (made_up.API_KEY, made_up.SESSION_TOKEN, made_up.SESSION_ACCESS_KEY_ID, "Signature", "Bearer"):
        assert secret not in text
    bearer, sigv4, nobody = log["requests"]
    assert (bearer["auth"], bearer["headers"]["X-Audit"]) == ("bearer", "kept")
    assert (bearer["bodySha256"], bearer["bodyLength"]) == (hashlib.sha256(NOVA_BODY).hexdigest(), len(NOVA_BODY))
    assert (sigv4["auth"], sigv4["authHint"], sigv4["status"]) == ("sigv4", "TWIN", 200)
    assert (sigv4["credential"], sigv4["principal"]) == ("TWIN", None)
    assert (nobody["auth"], nobody["status"]) == ("none", 403)
    assert started <= bearer["arrivedAt"] <= sigv4["arrivedAt"] <= nobody["arrivedAt"] <= time.time()
    assert nobody["path"] == "/foundation-models?X-Amz-Security-Token=REDACTED&a=1"
    assert control(commercial, "DELETE", "requests")[0] == 200
    assert control(commercial, "GET", "requests")[1] == {"requests": []}


def test_control_calls_that_make_no_sense_are_400(commercial: CommercialStandIn) -> None:
    faults = [{"fault": "no-such"}, {"fault": "slow", "delay": 1}, {"fault": "hang", "count": 0}]
    assert [control(commercial, "POST", "faults", document)[0] for document in faults] == [400] * 3
    credentials = [{"keys": []}, {"api_keys": "x"}, {"access_keys": [{"id": 1}]}]
    assert [control(commercial, "PUT", "credentials", document)[0] for document in credentials] == [400] * 3
    assert control(commercial, "POST", "faults", {"fault": "html", "match": "/model/"})[0] == 200
    pending = [{"fault": "html", "count": 1, "match": "/model/"}]
    assert control(commercial, "GET", "health")[1]["faults"] == pending
    assert control(commercial, "DELETE", "faults")[0] == 200
    assert control(commercial, "GET", "faults")[1] == {"faults": []}
    assert commercial.requests == []


def test_keep_alive_chunked_bodies_and_speed(commercial: CommercialStandIn) -> None:
    before = commercial.connections
    with requests.Session() as session:
        url = f"{commercial.url}/model/{NOVA}/invoke"
        assert (
            session.post(url, data=iter([NOVA_BODY[:9], NOVA_BODY[9:]]), headers=BEARER, timeout=2).status_code == 200
        )
    connection = http.client.HTTPConnection("127.0.0.1", commercial.port, timeout=2)
    spent = []
    for _ in range(200):
        started = time.perf_counter()
        connection.request("POST", f"/model/{NOVA}/invoke", NOVA_BODY, BEARER)
        assert connection.getresponse().read()
        spent.append(time.perf_counter() - started)
    connection.close()
    assert commercial.connections - before == 2
    assert sorted(spent)[100] < 0.005  # measured well below a millisecond, client included; slack for a busy machine


def test_the_process_writes_its_port_and_stops_at_once(tmp_path: Path) -> None:
    credentials, port_file = tmp_path / "credentials.json", tmp_path / "port"
    credentials.write_text('{"api_keys": ["ABSK-from-a-file"]}')
    script = str(Path(__file__).parents[1] / "fakes" / "commercial.py")
    options = ["--port", "0", "--port-file", str(port_file), "--credentials", str(credentials)]
    with subprocess.Popen([sys.executable, script, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        assert int(port_file.read_text()) == port
        bearer = {"Authorization": "Bearer ABSK-from-a-file"}
        answer = requests.get(f"http://127.0.0.1:{port}/foundation-models", headers=bearer, timeout=2)
        assert answer.ok
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=1) == 0
