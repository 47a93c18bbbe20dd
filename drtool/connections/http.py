"""HTTP as a customer sees it: at the address that the zone's servers give, under its own name."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from drtool.connections.dns import Names
from drtool.connections.reach import Context, Reader, Writer
from drtool.connections.secrets import Secrets
from drtool.connections.tls import disbelief, trust
from drtool.connections.within import within
from drtool.errors import AccessDenied, BadInput, InDoubt, StepFailed, Unreachable
from drtool.model.secret import SecretRef
from drtool.model.value import Value

LARGEST_BODY_BYTES = 1_000_000
SECONDS = 2.0
# That the socket's own limit is met first: it knows whether anything was sent.
_GRACE = 0.5


class Reply(Value):
    """What a server answered, and at which address."""

    method: str
    url: str
    address: str
    status: int
    body: str = ""
    seconds: float = 0.0


class HttpReader(Reader):
    """GET and HEAD; every request is a new connection, as a new customer's would be."""

    def __init__(self, names: Names, secrets: Secrets) -> None:
        self._names, self._secrets = names, secrets

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """Ready to ask; ``target`` is empty, for each request names its URL."""
        del target
        return cls(Names(context), context.secrets)

    def close(self) -> None:
        """Let the zone's servers go."""
        self._names.close()

    def address(self, url: str) -> str:
        """The address that the host of a URL has now."""
        return self._names.address(_parts(url).hostname or "")

    def get(self, url: str, seconds: float = SECONDS, ca_file: str | None = None) -> Reply:
        """Ask for a page; a redirection is answered as it is, not followed.

        Raises Unreachable, AccessDenied when its certificate is not believed, StepFailed when
        it does not speak HTTP.
        """
        return self._ask("GET", url, seconds, ca_file)

    def head(self, url: str, seconds: float = SECONDS, ca_file: str | None = None) -> Reply:
        """As ``get``, without the body."""
        return self._ask("HEAD", url, seconds, ca_file)

    def _ask(self, method: str, url: str, seconds: float, ca_file: str | None) -> Reply:
        try:
            return self._request(method, url, seconds, ca_file)
        except InDoubt as error:
            raise Unreachable(error.subject, error.found) from error

    def _request(
        self,
        method: str,
        url: str,
        seconds: float,
        ca_file: str | None,
        *,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """One request; raises InDoubt when it was sent and no whole reply came."""
        import httpx  # noqa: PLC0415 - takes 0.15 s that only those pay who need it

        parts = _parts(url)
        address = self._names.address(parts.hostname or "")
        subject = f"{method} {url} at {address}"
        sent = {**(headers or {}), "Host": parts.netloc.rpartition("@")[2], "User-Agent": "drtool"}
        began = time.monotonic()
        believed = self._believed(ca_file) if parts.scheme == "https" else False
        with _client(httpx, seconds, believed) as client:
            try:
                request = client.build_request(
                    method,
                    _at(parts, address),
                    content=body or None,
                    headers=sent,
                    extensions={"sni_hostname": parts.hostname},
                )
            except (UnicodeError, httpx.InvalidURL) as error:
                raise _not_sendable(subject, error) from error
            try:
                # a server that drips its head never meets a limit of the socket's
                end = began + seconds
                status, text = within(seconds + _GRACE, lambda: _reply(client, request, end))
            except (httpx.RequestError, TimeoutError) as error:
                raise _no_reply(httpx, subject, error, seconds) from error
        return Reply(
            method=method,
            url=url,
            address=address,
            status=status,
            body=text,
            seconds=round(time.monotonic() - began, 6),
        )

    def _believed(self, ca_file: str | None) -> ssl.SSLContext:
        return trust(self._secrets.path(ca_file) if ca_file else None, "ca_file")


class HttpHands(HttpReader, Writer):
    """Requests that may change something."""

    def send(
        self,
        method: str,
        url: str,
        body: str = "",
        *,
        content_type: str = "application/json",
        idempotency_key: str = "",
        headers: Mapping[str, str | SecretRef] | None = None,
        seconds: float = SECONDS,
        ca_file: str | None = None,
    ) -> Reply:
        """Send a request once; ``idempotency_key`` lets the server know a repetition.

        Raises Unreachable when it was certainly not sent, InDoubt when no whole reply came,
        AccessDenied when the server's certificate is not believed.
        """
        sent = {
            name: value if isinstance(value, str) else self._secrets.resolve(value)
            for name, value in (headers or {}).items()
        }
        if body:
            sent["Content-Type"] = content_type
        if idempotency_key:
            sent["Idempotency-Key"] = idempotency_key
        return self._request(method, url, seconds, ca_file, body=body.encode(), headers=sent)


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise BadInput(f"url {url!r}", str(error)) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadInput(f"url {url!r}", "is no http or https URL", "http://HOST:PORT/PATH")
    return parts


def _at(parts: SplitResult, address: str) -> str:
    host = f"[{address}]" if ":" in address else address
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=host + port, fragment="").geturl()


def _client(httpx: Any, seconds: float, believed: ssl.SSLContext | bool) -> Any:
    """A client that follows nothing: no redirection, no proxy, no .netrc of the environment."""
    return httpx.Client(verify=believed, timeout=seconds, trust_env=False, follow_redirects=False)


def _reply(client: Any, request: Any, end: float) -> tuple[int, str]:
    response = client.send(request, stream=True)
    try:
        body = b""
        for part in response.iter_bytes():
            body += part
            if len(body) > LARGEST_BODY_BYTES:
                break
            if time.monotonic() > end:
                raise TimeoutError
    finally:
        response.close()
    return response.status_code, _text(body[:LARGEST_BODY_BYTES], response.encoding)


def _text(body: bytes, encoding: str | None) -> str:
    """The body in the encoding that the server names, where that is one of texts."""
    try:
        return body.decode(encoding or "utf-8", "replace")
    except (LookupError, UnicodeError):
        return body.decode("utf-8", "replace")


def _no_reply(
    httpx: Any, subject: str, error: Exception, seconds: float
) -> Unreachable | AccessDenied | StepFailed | BadInput | InDoubt:
    """Certainly not sent where there was no connection or no request; else nobody knows."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol):
        return _not_connected(subject, error, seconds)
    if isinstance(error, httpx.LocalProtocolError):
        return _not_sendable(subject, error)
    if isinstance(error, httpx.DecodingError):
        return InDoubt(subject, f"its answer cannot be read: {error}")
    late = isinstance(error, httpx.TimeoutException | TimeoutError)
    found = f"no whole reply within {seconds:g} s" if late else str(error)
    return InDoubt(subject, found or type(error).__name__)


def _not_sendable(subject: str, error: Exception) -> BadInput:
    """What HTTP cannot carry; the value is not shown, for it may be a secret."""
    found = str(error).partition(" value b")[0]
    return BadInput(
        subject,
        f"was not sent: {found}",
        hint="a header has no line break and, like the host, ASCII characters only",
    )


def _not_connected(
    subject: str, error: Exception, seconds: float
) -> Unreachable | AccessDenied | StepFailed:
    if why := disbelief(error):
        return AccessDenied(
            subject,
            f"its certificate is not believed: {why}",
            hint="name the authority's certificate in ca_file",
        )
    text = str(error)
    if "SSL" in text:
        return StepFailed(subject, f"no TLS connection: {text}")
    if "timed out" in text or not text:
        return Unreachable(subject, f"does not answer within {seconds:g} s")
    return Unreachable(subject, text)
