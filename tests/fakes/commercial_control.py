"""The control API of the Commercial stand-in, by which tests steer it; commercial.py lists its calls."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.fakes.commercial_wire import BedrockError, Request, Response, json_response

if TYPE_CHECKING:
    from tests.fakes.commercial_server import CommercialStandIn

CONTROL = "/_twin/"


def control(stand_in: CommercialStandIn, request: Request) -> Response:
    try:
        document = json.loads(request.body) if request.body else {}
        match (request.method, request.path.removeprefix(CONTROL)):
            case ("GET", "health"):
                counts = {"connections": stand_in.connections, "requests": len(stand_in.requests)}
                return json_response({"status": "ok", **counts, "faults": stand_in.faults.pending()})
            case ("GET", "requests"):
                return json_response({"requests": stand_in.requests})
            case ("DELETE", "requests"):
                stand_in.log.clear()
            case ("POST", "deliver-logs"):
                stand_in.deliver_logs()
            case ("GET", "faults"):
                return json_response({"faults": stand_in.faults.pending()})
            case ("POST", "faults"):
                stand_in.inject(document.pop("fault", ""), **document)
            case ("DELETE", "faults"):
                stand_in.faults.clear()
            case ("PUT", "credentials"):
                stand_in.replace_credentials(document)
            case ("GET", "clock"):
                return json_response({"offset_seconds": stand_in.clock_offset.total_seconds()})
            case ("PUT", "clock"):
                stand_in.clock_offset = timedelta(seconds=document["offset_seconds"])
            case ("PUT", "models"):
                stand_in.misreport(document)
            case _:
                return json_response({"message": f"no control call {request.method} {request.path}"}, 404)
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
        return json_response({"message": str(error)}, 400)
    except BedrockError as error:
        return error.response
    return json_response({})
