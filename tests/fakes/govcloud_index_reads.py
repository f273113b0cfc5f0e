"""Queries of an index read what they ask for, and no more, as on AWS.

ministack 1.5.33 sorts a whole partition of an index for each Query and tries its key condition on every item: with
100,000 records that takes many seconds, where DynamoDB begins in the middle. Here a partition stays sorted until it is
written to, and a query of the form `#a = :a AND #b BETWEEN :c AND :d` goes from one end of its range until its limit or
1 MB. Its filter sees the attributes that the index projects. Any other query is the emulator's own.

Imported for its effect by govcloud.py.
"""

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Any

from ministack.services import dynamodb

Item = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
Place = tuple[str, str, str]  # in an index: its sort key, and the table's two

RANGE_OF_A_PARTITION = re.compile(r"(#\w+) = (:\w+) AND (#\w+) BETWEEN (:\w+) AND (:\w+)")
EXPRESSIONS = ("KeyConditionExpression", "FilterExpression", "ProjectionExpression")
KNOWN = {
    *("TableName", "IndexName", "KeyConditionExpression", "FilterExpression", "ExpressionAttributeNames"),
    *("ExpressionAttributeValues", "ProjectionExpression", "ScanIndexForward", "Limit", "ExclusiveStartKey", "Select"),
}

query = dynamodb._query
index_item = dynamodb._index_item


@dataclass
class Partition:
    """A partition of an index, sorted; what of it was read is kept as the index projects it, with its size."""

    table: Item  # held, so that its id stays its own
    places: list[Place]
    views: dict[Place, tuple[Item, int]] = field(default_factory=dict)


partitions: dict[tuple[int, str, str], Partition] = {}


def partition_of(table: Item, index: str, value: str, range_key: str) -> Partition:
    """A partition as it is now."""
    key = (id(table), index, value)
    if key not in partitions:
        members = dynamodb._index_members(table)[index].get(value, ())
        items = table["items"]
        places = sorted((items[pk][sk][range_key]["S"], pk, sk) for pk, sk in members)
        partitions[key] = Partition(table, places)
    return partitions[key]


def index_item_and_forget(table: Item, base_pk: str, base_sk: str, item: Item, add: bool) -> None:
    """Keep the indexes current with an item; their sorted partitions are made anew at the next read."""
    for name, hash_keys, range_keys in dynamodb._index_key_schemas(table):
        partitions.pop((id(table), name, dynamodb._index_partition(item, hash_keys, range_keys)), None)
    index_item(table, base_pk, base_sk, item, add)


def query_what_is_asked(data: Item) -> Answer:
    """Query."""
    condition = RANGE_OF_A_PARTITION.fullmatch(data.get("KeyConditionExpression") or "")
    table = dynamodb._tables.get(dynamodb._normalize_table_name(data.get("TableName")))
    index = dynamodb._index_def(table, data.get("IndexName")) if table else None
    if not condition or not index or data.keys() - KNOWN or data.get("Select", "COUNT") != "COUNT":
        return query(data)
    names, values = data["ExpressionAttributeNames"], data["ExpressionAttributeValues"]
    hash_name, hash_value, range_name, low, high = condition.groups()
    asked = [values.get(name, {}).get("S") for name in (hash_value, low, high)]
    keys = dynamodb._index_key_lists(index)
    wrong = dynamodb._validate_expression_attrs(data, EXPRESSIONS, {})
    if keys != ([names.get(hash_name)], [names.get(range_name)]) or None in asked or asked[1] > asked[2] or wrong:
        return query(data)  # which knows what to say of it
    return read(data, table, index, keys[0][0], keys[1][0], asked)


def read(data: Item, table: Item, index: Item, hash_key: str, range_key: str, asked: list[str]) -> Answer:
    """A page of a range."""
    partition = partition_of(table, index["IndexName"], asked[0], range_key)
    places = partition.places
    first, last = bisect_left(places, (asked[1], "", "")), bisect_right(places, (asked[2], "\U0010ffff", ""))
    forward = data.get("ScanIndexForward", True)
    if start := data.get("ExclusiveStartKey"):
        behind: Place = (start[range_key]["S"], start[table["pk_name"]]["S"], start[table["sk_name"]]["S"])
        first, last = (bisect_right(places, behind), last) if forward else (first, bisect_left(places, behind))
    positions = range(first, last) if forward else range(last - 1, first - 1, -1)
    expression = data.get("FilterExpression", "")
    tokens = dynamodb._tokenize(expression)
    names, values = data["ExpressionAttributeNames"], data["ExpressionAttributeValues"]
    found: list[Item] = []
    size = number = 0
    last_read: Item | None = None
    for position in positions:
        view, view_bytes = view_of(partition, places[position], index["IndexName"])
        if number and size + view_bytes > dynamodb._DDB_PAGE_SIZE_BYTES:
            break
        if expression and not number:
            dynamodb._evaluate_condition(expression, view, values, names, slot="FilterExpression")  # checks its grammar
        if not expression or dynamodb._ExprEval(tokens, view, values, names).evaluate():
            found.append(view)
        size, number, last_read = size + view_bytes, number + 1, view
        if number == data.get("Limit"):
            break
    result: Item = {"Count": len(found), "ScannedCount": number}
    if data.get("Select") != "COUNT":
        result["Items"] = [dynamodb._apply_projection(item, data) for item in found]
    if last_read and (number < len(positions) or number == data.get("Limit")):
        key_names = (table["pk_name"], table["sk_name"], hash_key, range_key)
        result["LastEvaluatedKey"] = {name: last_read[name] for name in key_names}
    answer: Answer = dynamodb.json_response(result)
    return answer


def view_of(partition: Partition, place: Place, index: str) -> tuple[Item, int]:
    """An item as the index projects it, and its size."""
    if place not in partition.views:
        _, base_pk, base_sk = place
        view = dynamodb._apply_index_projection(partition.table["items"][base_pk][base_sk], partition.table, index)
        partition.views[place] = (view, dynamodb._item_size_bytes(view))
    return partition.views[place]


dynamodb._query = query_what_is_asked
dynamodb._index_item = index_item_and_forget
