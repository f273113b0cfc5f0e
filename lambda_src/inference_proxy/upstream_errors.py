"""Errors of the way to Commercial Bedrock: part of the tree in errors.py.

UpstreamError                Commercial Bedrock could not be reached, or its answer cannot be trusted
├── UpstreamUnresolvableError    502 UpstreamUnresolvable
├── UpstreamTlsError             502 UpstreamTlsError
├── UpstreamConnectionError      502 UpstreamConnectionError
├── UpstreamProtocolError        502 UpstreamProtocolError
├── UpstreamResponseTooLargeError 502 UpstreamResponseTooLarge
└── UpstreamTimeoutError         504 UpstreamTimeout
"""

from inference_proxy.errors import ProxyError


class UpstreamError(ProxyError):
    """Commercial Bedrock could not be reached, or its answer cannot be trusted."""


class UpstreamUnresolvableError(UpstreamError):
    """The upstream's host name does not resolve."""

    code = "UpstreamUnresolvable"
    status = 502


class UpstreamTlsError(UpstreamError):
    """The upstream's certificate or TLS version was not accepted."""

    code = "UpstreamTlsError"
    status = 502


class UpstreamConnectionError(UpstreamError):
    """The connection was refused or broke before the whole answer had come."""

    code = "UpstreamConnectionError"
    status = 502


class UpstreamProtocolError(UpstreamError):
    """The answer is truncated, garbled, redirected or not what was asked for."""

    code = "UpstreamProtocolError"
    status = 502


class UpstreamResponseTooLargeError(UpstreamError):
    """The answer is larger than what Lambda can return."""

    code = "UpstreamResponseTooLarge"
    status = 502


class UpstreamTimeoutError(UpstreamError):
    """The answer did not come within the time API Gateway leaves."""

    code = "UpstreamTimeout"
    status = 504
