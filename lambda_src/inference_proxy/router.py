"""Finds the operation for a method and a path. Ours, because a model id may hold ':' and '/' (an ARN)."""

import re
from collections.abc import Iterable, Mapping

from inference_proxy.errors import MethodNotAllowedError, RouteNotFoundError
from inference_proxy.path_families import why_not_found
from inference_proxy.routes import Route

_PARAMETER = re.compile(r"\{(\w+)\}")


class Router:
    """Matches paths against templates, in the order of the table."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(re.compile(_PARAMETER.sub(r"(?P<\1>.+)", route.path)), route) for route in routes]

    def match(self, method: str, path: str) -> tuple[Route, Mapping[str, str]]:
        """The route and its path parameters.

        Raises RouteNotFoundError for an unknown path and MethodNotAllowedError, with ``Allow``, for a known one.
        """
        allowed = []
        for pattern, route in self._routes:
            found = pattern.fullmatch(path)
            if found and route.method == method:
                return route, found.groupdict()
            if found:
                allowed.append(route.method)
        if allowed:
            raise MethodNotAllowedError(
                f"this path takes {' or '.join(allowed)}, not {method[:16]}", {"Allow": ", ".join(allowed)}
            )
        raise RouteNotFoundError(why_not_found(path))
