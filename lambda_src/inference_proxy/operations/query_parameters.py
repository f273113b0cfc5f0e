"""The query parameters of our own operations."""

from collections.abc import Collection, Mapping

from inference_proxy.errors import InvalidParameterError


def single_values(query: Mapping[str, tuple[str, ...]], known: Collection[str]) -> dict[str, str]:
    """The parameters by name, each given once. Raises InvalidParameterError."""
    for name, values in query.items():
        if name not in known:
            raise InvalidParameterError(f"unknown query parameter; this operation takes {', '.join(known) or 'none'}")
        if len(values) != 1:
            raise InvalidParameterError(f"`{name}` may be given once")
    return {name: values[0] for name, values in query.items()}
