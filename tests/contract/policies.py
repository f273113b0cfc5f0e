"""Policies for the tests of the router."""

from collections.abc import Mapping
from typing import Any

HEADER = "X-Data-Classification"
EVERYONE: Mapping[str, Any] = {"name": "everyone", "principals": ["*"], "classification": "public"}
# Lets everything cross that is not marked, to anywhere but by global profiles.
POLICY: Mapping[str, Any] = {
    "version": 1,
    "classifications": {"allowed": ["public", "internal"], "header": HEADER, "request_metadata": "classification"},
    "models": {"allow": ["*"]},
    "destinations": {"regions": ["*"]},
    "markings": {"mode": "block", "patterns": ["TOP SECRET//*", "SECRET//*", "CUI//*"]},
    "callers": [EVERYONE],
}

GLOBAL_ALLOWED: Mapping[str, Any] = {**POLICY, "destinations": {"regions": ["*"], "global_profiles": True}}


def policy(**sections: Any) -> dict[str, Any]:
    """The same with other sections; None leaves one out."""
    return {name: section for name, section in {**POLICY, **sections}.items() if section is not None}


def entry(**members: Any) -> dict[str, Any]:
    """The entry of ``callers`` that has everybody, with other members; None leaves one out."""
    return {name: member for name, member in {**EVERYONE, **members}.items() if member is not None}
