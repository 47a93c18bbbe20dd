"""Ask a Prefect API with the standard library: it costs neither an import nor a long wait."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from drtool.errors import AccessDenied, DrtoolError, Unreachable

_TURNED_AWAY = {401, 403}


@dataclass(frozen=True, slots=True)
class Api:
    """Where a Prefect API answers, and how to be let in; the secrets never show in a repr.

    ``auth`` is the ``user:password`` of a server of one's own, ``key`` that of Prefect Cloud.
    """

    url: str
    auth: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    ca_file: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Api | None:
        """The API that Prefect's own variables name, or None."""
        url = environ.get("PREFECT_API_URL", "").strip()
        if not url:
            return None
        return cls(
            url.rstrip("/"),
            environ.get("PREFECT_API_AUTH_STRING", "").strip(),
            environ.get("PREFECT_API_KEY", "").strip(),  # from a file it ends with a line break
            environ.get("PREFECT_API_SSL_CERT_FILE", "").strip(),
        )

    def get(self, path: str, seconds: float) -> Any:
        """The JSON answer to GET; raises Unreachable, AccessDenied or DrtoolError."""
        return self._ask("GET", path, None, seconds)

    def post(self, path: str, body: object, seconds: float) -> Any:
        """The JSON answer to POST; raises as ``get`` does."""
        return self._ask("POST", path, body, seconds)

    def delete(self, path: str, seconds: float) -> None:
        """DELETE; raises as ``get`` does."""
        self._ask("DELETE", path, None, seconds)

    def version(self, seconds: float) -> str:
        """The server's version: unlike /health it wants our credentials; raises as ``get`` does."""
        return str(self.get("/admin/version", seconds))

    def _ask(self, method: str, path: str, body: object, seconds: float) -> Any:
        connection, prefix = self._connect(seconds)
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, prefix + path, sent, self._headers())
            answer = connection.getresponse()
            text = answer.read()
        except TimeoutError as error:
            raise Unreachable(self._name, f"no answer within {seconds:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(self._name, _reason(error)) from error
        except ValueError:  # its words hold the header, and with it the key
            raise Unreachable(
                self._name,
                "cannot be asked: its URL or our key holds what no request can bear",
                hint="check PREFECT_API_URL, PREFECT_API_KEY and PREFECT_API_AUTH_STRING",
            ) from None
        finally:
            connection.close()
        return self._read(answer.status, text)

    def _connect(self, seconds: float) -> tuple[http.client.HTTPConnection, str]:
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise Unreachable(self._name, f"is no URL: {error}") from error
        if parts.scheme not in {"http", "https"} or not host:
            raise Unreachable(self._name, "is no URL", "http://HOST:PORT/api")
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=seconds), parts.path
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
        except OSError as error:
            raise Unreachable(self._name, f"{self.ca_file}: {_reason(error)}") from error
        return (
            http.client.HTTPSConnection(host, port, timeout=seconds, context=context),
            parts.path,
        )

    def _read(self, status: int, text: bytes) -> Any:
        if status in _TURNED_AWAY:
            raise AccessDenied(
                self._name,
                f"turns us away (HTTP {status})",
                hint="check PREFECT_API_AUTH_STRING or PREFECT_API_KEY",
            )
        if not 200 <= status < 300:
            raise DrtoolError(self._name, f"answers HTTP {status}", "HTTP 200")
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            raise DrtoolError(self._name, "answers something that is no JSON") from error

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Connection": "close"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        elif self.auth:
            headers["Authorization"] = "Basic " + base64.b64encode(self.auth.encode()).decode()
        return headers

    @property
    def shown(self) -> str:
        """The URL without anything secret that somebody may have put into it."""
        scheme, separator, rest = self.url.partition("://")
        place, slash, path = rest.partition("/")
        return f"{scheme}{separator}{place.rpartition('@')[2]}{slash}{path}"

    @property
    def _name(self) -> str:
        return f"Prefect API {self.shown}"


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
