"""How a request says what class of data it carries, and whether that class may cross."""

import re
from collections.abc import Iterator, Mapping

from inference_proxy.content import Content, JsonObject
from inference_proxy.decisions import Denied
from inference_proxy.policy_document import CallerRule, PolicyDocument

_METADATA_HEADER = "x-amzn-bedrock-request-metadata"  # of InvokeModel; Converse has it in the body
_LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Classifications:
    """The labels of a policy. A label counts in any case of its letters, and is ASCII."""

    def __init__(self, document: PolicyDocument) -> None:
        self._allowed = document.classifications
        self._header = document.classification_header
        self._metadata_key = document.classification_metadata

    def label(self, headers: Mapping[str, str], content: Content, rule: CallerRule) -> tuple[str, str]:
        """The request's label and where it comes from: "header", "requestMetadata" or "caller".

        Raises Denied where there is none, where two differ, and where it may not cross.
        """
        declared = [(_readable(value), source) for value, source in self._declared(headers, content)]
        if rule.classification:
            declared.append((rule.classification, "caller"))
        if not declared:
            raise Denied("classifications.required", f"say what class of data this is: {self._how(rule)}")
        label, source = declared[0]
        # First of all what may never cross, whatever else is wrong with it.
        for other, _ in declared:
            if other not in self._allowed:
                raise Denied("classifications.allowed", f"data of this class may not cross; {self._how(rule)}")
        if any(other != label for other, _ in declared):
            raise Denied(
                "classifications.conflict",
                self._how(rule)
                if rule.classification
                else "the request declares two classes of data; declare one, once",
            )
        if rule.classifications is not None and label not in rule.classifications:
            raise Denied(
                f"callers.{rule.name}.classification", f"you may send data of class {', '.join(rule.classifications)}"
            )
        return label, source

    def _declared(self, headers: Mapping[str, str], content: Content) -> Iterator[tuple[object, str]]:
        """Every value that declares a label, be it one or not."""
        if self._header and self._header in headers:
            yield headers[self._header], "header"
        key = self._metadata_key
        if key is None:
            return
        in_header = Content(headers.get(_METADATA_HEADER, "").encode(errors="replace"))
        in_body = (part for part in content.members("requestMetadata") if isinstance(part, JsonObject))
        places: list[Content | JsonObject] = [in_header, *in_body]
        for metadata in places:
            for value in metadata.members(key):
                yield value, "requestMetadata"
        for value in content.unread_members(key):  # of the metadata or not, who knows
            yield value, "requestMetadata"

    def _how(self, rule: CallerRule) -> str:
        """What a caller may declare, and where; other callers' labels are none of its business."""
        if rule.classification:
            return f"your requests count as {rule.classification}; declare that or nothing"
        ways = [f"the header {self._header}"] if self._header else []
        ways += [f"the member {self._metadata_key} of Bedrock's request metadata"] if self._metadata_key else []
        labels = self._allowed if rule.classifications is None else rule.classifications
        return f"declare one of {', '.join(labels)} by {' or '.join(ways)}" if ways else "ask the policy's owner"


def _readable(value: object) -> str:
    """A value as a label; several in one header are none."""
    label = value.strip(" \t").lower() if isinstance(value, str) and value.isascii() else ""
    if not _LABEL.fullmatch(label):
        raise Denied(
            "classifications.unreadable",
            "the declared class of data is no label: one word of letters, digits and ._-, given once",
        )
    return label
