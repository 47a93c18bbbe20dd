"""Power controllers that speak Redfish (DMTF DSP0266): state, restore policy, reset."""

from __future__ import annotations

import json
import re
import ssl
from datetime import UTC, datetime
from typing import Any, Literal, Self

from drtool.connections.reach import Context, Reader, Writer
from drtool.connections.tls import disbelief, trust
from drtool.connections.within import within
from drtool.errors import (
    AccessDenied,
    BadInput,
    DrtoolError,
    InDoubt,
    Refused,
    StepFailed,
    Unreachable,
)
from drtool.model.inventory import Power
from drtool.model.value import Value
from drtool.safety.identity import reason_not_that_machine

SECONDS = 2.0
# Some controllers answer a reset only when the machine has obeyed.
CHANGE_SECONDS = 10.0
ResetKind = Literal["On", "ForceOff", "GracefulShutdown", "ForceRestart"]
RestorePolicy = Literal["AlwaysOn", "AlwaysOff", "LastState"]


class PowerState(Value):
    """What a controller says of its machine.

    ``power`` is On, Off, PoweringOn, PoweringOff or Paused. ``restore_policy`` is what happens
    when mains power returns: AlwaysOn, AlwaysOff, LastState, or None when it is not told.
    ``system`` and ``uuid`` say which machine that is.
    """

    system: str
    power: str
    restore_policy: str | None = None
    uuid: str = ""

    @property
    def off(self) -> bool:
        """Whether the controller says that the machine is off."""
        return self.power == "Off"

    @property
    def stays_off(self) -> bool:
        """Whether the machine stays off when mains power returns."""
        return self.restore_policy == "AlwaysOff"


class PowerReader(Reader):
    """Reads of one host's controller."""

    def __init__(self, host: str, power: Power, client: Any) -> None:
        self._power, self._client = power, client
        self.subject = f"power controller of {host} ({power.redfish})"
        system = power.system.strip("/")
        self._path = f"/{system}" if "/" in system else f"/redfish/v1/Systems/{system}"

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """Connect to the controller of the inventory's host of that name, and ask it once.

        Raises Unreachable, AccessDenied for a wrong password or certificate, BadInput when the
        inventory has no controller for the host.
        """
        host = context.inventory.hosts.get(target)
        if host is None or host.power is None:
            raise BadInput(
                f"host {target}",
                "the inventory names no power controller for it",
                hint=f"write hosts.{target}.power with redfish, system and password",
            )
        reader = cls(target, host.power, _client(target, host.power, context))
        try:
            reader.state()
        except DrtoolError:
            reader.close()
            raise
        return reader

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def state(self) -> PowerState:
        """What the controller says now."""
        told = self._system()
        power = told.get("PowerState")
        if not isinstance(power, str):
            raise StepFailed(self.subject, "does not say its power state", "PowerState")
        policy = told.get("PowerRestorePolicy")
        return PowerState(
            system=str(told.get("Id", self._power.system)),
            power=power,
            restore_policy=policy if isinstance(policy, str) else None,
            uuid=str(told.get("UUID") or ""),
        )

    def certificate_ends(self) -> datetime | None:
        """When the controller's certificate ends; None where there is no TLS."""
        stream = self._ask("GET", self._path).extensions["network_stream"]
        tls = stream.get_extra_info("ssl_object")
        ends = tls.getpeercert().get("notAfter") if tls is not None else None
        return None if ends is None else datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)

    def _system(self) -> dict[str, Any]:
        response = self._ask("GET", self._path)
        try:
            told = response.json()
        except json.JSONDecodeError as error:
            raise StepFailed(self.subject, "its answer is not JSON") from error
        if not isinstance(told, dict):
            raise StepFailed(self.subject, "its answer is no Redfish resource")
        return told

    def _ask(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Any:
        import httpx  # noqa: PLC0415 - imported already by `open`

        limit = SECONDS if method == "GET" else CHANGE_SECONDS
        timeout = httpx.Timeout(limit, connect=SECONDS)
        try:
            response = within(
                SECONDS + limit,  # one that drips never meets a limit of the socket's
                lambda: self._client.request(
                    method, path, json=body, headers=headers, timeout=timeout
                ),
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._not_connected(error) from error
        except (httpx.TransportError, TimeoutError) as error:
            late = f"no whole reply within {SECONDS + limit:g} s"
            why = late if isinstance(error, TimeoutError) else str(error) or type(error).__name__
            found = f"its reply did not come: {why}"
            kind = Unreachable if method == "GET" else InDoubt
            raise kind(self.subject, found) from error
        if response.status_code in {401, 403}:
            what = "our user or password" if response.status_code == 401 else "us this right"
            raise AccessDenied(
                self.subject,
                f"denies {what} ({response.status_code})",
                hint=f"check user {self._power.user} and what its password refers to",
            )
        if response.status_code == 404:
            raise StepFailed(
                self.subject, f"knows no {path} (404)", hint="check power.system in the inventory"
            )
        if response.status_code >= 300:
            raise StepFailed(self.subject, f"{method} {path}: {_said(response)}")
        return response

    def _not_connected(self, error: Exception) -> DrtoolError:
        if why := disbelief(error):
            return AccessDenied(
                self.subject,
                f"its certificate is not believed: {why}",
                hint="name the controller's own authority in power.ca_file",
            )
        text = str(error)
        if "SSL" in text:
            return Unreachable(self.subject, f"no TLS connection: {text}")
        reason = re.sub(r"^(\[Errno -?\d+\]|_ssl\.c:\d+:) ", "", text)
        reason = reason or f"no answer within {SECONDS:g} s"
        return Unreachable(self.subject, f"does not answer: {reason}")


class PowerHands(PowerReader, Writer):
    """Changes of one host's power; the controller answers before the machine has obeyed."""

    def reset(self, kind: ResetKind) -> None:
        """Ask for a power change; raises StepFailed with the controller's own reason.

        Raises Refused, and asks for nothing, when it answers for another machine.
        """
        told = self._system()
        self._must_be_meant(told)
        action = told.get("Actions", {}).get("#ComputerSystem.Reset", {})
        allowed = action.get("ResetType@Redfish.AllowableValues")
        if isinstance(allowed, list) and kind not in allowed:
            known = ", ".join(str(value) for value in allowed)
            raise StepFailed(self.subject, f"cannot do {kind}", known)
        path = action.get("target") or f"{self._path}/Actions/ComputerSystem.Reset"
        self._ask("POST", str(path), {"ResetType": kind})

    def set_restore_policy(self, policy: str) -> None:
        """Say what shall happen when mains power returns: a ``RestorePolicy``, or as it was."""
        current = self._ask("GET", self._path)
        self._must_be_meant(current.json())
        etag = current.headers.get("ETag")
        self._ask(
            "PATCH",
            self._path,
            {"PowerRestorePolicy": policy},
            {"If-Match": etag} if etag else None,
        )

    def _must_be_meant(self, told: dict[str, Any]) -> None:
        """Raises Refused when this is not the machine that the inventory means."""
        power = self._power
        found = (str(told.get("Id", power.system)), str(told.get("UUID") or ""))
        reason = reason_not_that_machine(self.subject, found, power.system, power.uuid)
        if reason is not None:
            subject, _, why = reason.rpartition(": ")
            raise Refused(subject, why, hint="correct system and uuid in the inventory")


def _client(target: str, power: Power, context: Context) -> Any:
    """A client that follows nothing: no redirection, no proxy, no .netrc of the environment."""
    import httpx  # noqa: PLC0415 - takes 0.15 s that only those pay who need it

    ca_file = context.secrets.path(power.ca_file) if power.ca_file else None
    https = power.redfish.startswith("https")
    return httpx.Client(
        base_url=power.redfish.rstrip("/"),
        auth=(power.user, context.secrets.resolve(power.password)),
        verify=https and trust(ca_file, f"host {target}: power.ca_file"),
        trust_env=False,
        follow_redirects=False,
    )


def _said(response: Any) -> str:
    """The controller's own reason, from its extended information where it gives one."""
    try:
        error = response.json()["error"]
        details = error.get("@Message.ExtendedInfo") or [{}]
        text = details[0].get("Message") or error.get("message") or ""
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        text = ""
    return f"{text or 'no reason given'} ({response.status_code})"
