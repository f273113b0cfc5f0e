"""CloudWatch alarms of the twin: what ministack 1.5.33 forgets of them, or evaluates otherwise than CloudWatch.

1. PutMetricAlarm and DescribeAlarms in the query protocol, which Terraform's provider speaks, lose most attributes: a
   second plan would not be empty. Metric math is lost in every protocol.
2. An alarm on one set of dimensions must not see the data of another; metric math and percentiles are evaluated.

Simpler than CloudWatch: one period decides, whatever the number of periods, and nothing happens by mere lapse of time.
Imported for its effect by govcloud.py.
"""

import time
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import cloudwatch

Answer = tuple[int, dict[str, str], bytes]

put_alarm = cloudwatch._put_metric_alarm
describe_alarms = cloudwatch._describe_alarms
BREACHES = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


def put_metric_alarm(params: dict, document: dict, is_cbor: bool, is_json: bool = False) -> Answer:
    """PutMetricAlarm that keeps what it is told."""
    if is_cbor or is_json:
        answer = put_alarm(params, document, is_cbor, is_json)
    else:
        document = request_of(params)
        document["ActionsEnabled"] = document.get("ActionsEnabled") != "false"
        answer = put_alarm(params, document, False, True)
        answer = cloudwatch._xml(200, "PutMetricAlarmResponse", "") if answer[0] == 200 else answer
    alarm = cloudwatch._alarms.get(document["AlarmName"])
    if answer[0] == 200 and alarm:
        for name in ("Metrics", "EvaluateLowSampleCountPercentile"):
            if name in document:
                alarm[name] = document[name]
        if "Statistic" not in document:
            del alarm["Statistic"]
        if "Metrics" in document:
            del alarm["Period"]
        cloudwatch._evaluate_alarm(alarm)
    return answer


def describe(params: dict, document: dict, is_cbor: bool, is_json: bool = False) -> Answer:
    """DescribeAlarms with every attribute."""
    if is_cbor or is_json:
        return describe_alarms(params, document, is_cbor, is_json)
    names = request_of(params).get("AlarmNames", [])
    alarms = [alarm for name, alarm in sorted(cloudwatch._alarms.items()) if not names or name in names]
    found = [{name: value for name, value in alarm.items() if "Timestamp" not in name} for alarm in alarms]
    body = f"<DescribeAlarmsResult>{xml({'MetricAlarms': found})}</DescribeAlarmsResult>"
    return cloudwatch._xml(200, "DescribeAlarmsResponse", body)


def request_of(params: dict) -> dict[str, Any]:
    """Query parameters such as ``Metrics.member.1.Id`` as the structure they stand for."""
    root: dict[str, Any] = {}
    for name, values in params.items():
        *parents, last = name.split(".")
        node = root
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = values[0] if isinstance(values, list) else values

    def lists(node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        if node.keys() == {"member"}:
            return [lists(node["member"][key]) for key in sorted(node["member"], key=int)]
        return {name: lists(value) for name, value in node.items()}

    return lists(root)


def xml(value: Any) -> str:
    """A structure as the query protocol's XML."""
    if isinstance(value, dict):
        return "".join(f"<{name}>{xml(inner)}</{name}>" for name, inner in value.items() if inner is not None)
    if isinstance(value, list):
        return "".join(f"<member>{xml(inner)}</member>" for inner in value)
    return escape(str(value).lower() if isinstance(value, bool) else str(value))


def evaluate(alarm: dict[str, Any]) -> None:
    """Bring an alarm into the state of its last period, with the actions of a change."""
    value = value_of(alarm)
    if value is None:
        missing = {"breaching": "ALARM", "notBreaching": "OK", "missing": "INSUFFICIENT_DATA"}
        state = missing.get(alarm["TreatMissingData"], alarm["StateValue"])
    else:
        state = "ALARM" if BREACHES[alarm["ComparisonOperator"]](value, alarm["Threshold"]) else "OK"
    before = alarm["StateValue"]
    if state == before:
        return
    alarm.update(StateValue=state, StateReason=f"value {value}", StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], before, state, alarm["StateReason"])
    cloudwatch._dispatch_alarm_actions(alarm, before, state, alarm["StateReason"])
    cloudwatch._evaluate_parent_alarms(alarm)


def value_of(alarm: dict[str, Any]) -> float | None:
    """The number an alarm compares with its threshold; None without data."""
    if not alarm.get("Metrics"):
        return statistic_of(alarm, alarm.get("ExtendedStatistic") or alarm["Statistic"], alarm["Period"])
    values = {
        query["Id"]: statistic_of(
            query["MetricStat"]["Metric"], query["MetricStat"]["Stat"], query["MetricStat"]["Period"]
        )
        for query in alarm["Metrics"]
        if "MetricStat" in query
    }
    functions = {
        "IF": lambda condition, then, otherwise: then if condition else otherwise,
        "FILL": lambda value, default: default if value is None else value,
        "SUM": lambda found: sum(found) if found else None,
        "METRICS": lambda: [value for value in values.values() if value is not None],
    }
    expression = next(query["Expression"] for query in alarm["Metrics"] if "Expression" in query)
    try:
        return eval(expression, {"__builtins__": {}, **functions}, values)  # noqa: S307 - an alarm's own expression
    except TypeError:  # arithmetic with a metric that has no data
        return None


def statistic_of(metric: dict[str, Any], statistic: str, period: Any) -> float | None:
    """A statistic of exactly this metric over the last period."""
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or []))
    points = cloudwatch._metrics.get((metric["Namespace"], metric["MetricName"], dimensions)) or []
    recent = [point for point in points if point["Timestamp"] >= time.time() - int(period)]
    return cloudwatch._stat_value(cloudwatch._calc_stats(recent), statistic, recent) if recent else None


cloudwatch._put_metric_alarm = put_metric_alarm
cloudwatch._describe_alarms = describe
cloudwatch._evaluate_alarm = evaluate
