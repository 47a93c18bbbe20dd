"""Connections of the lab's service to the database that its name points to."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from typing import TypeVar

import psycopg

from drtool.errors import Unreachable
from drtool.lab.endpoint import Endpoint

LIMIT_SECONDS = 1.0
CONNECT_SECONDS = 2  # the least that psycopg takes
WORKERS = 16
T = TypeVar("T")
Work = Callable[[psycopg.Connection], T]


class Database:
    """Does pieces of work, a transaction each, over connections that are kept open."""

    def __init__(
        self, endpoint: Endpoint, *, port: int, name: str, user: str, password: str
    ) -> None:
        self._endpoint = endpoint
        self._port, self._name, self._user, self._password = port, name, user, password
        self._idle: list[tuple[str, psycopg.Connection]] = []
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="database")

    def use(self, work: Work[T]) -> tuple[str, T]:
        """Do the work, committed on return; the address where it was done, and its result.

        Raises Unreachable after a second at the latest; the work may then still take place.
        """
        held = _Held()
        future = self._workers.submit(self._attempt, work, held)
        try:
            return future.result(LIMIT_SECONDS)
        except TookTooLong as error:
            self._endpoint.forget()
            held.cut()
            raise Unreachable("database", f"no answer within {LIMIT_SECONDS:g} s") from error
        except psycopg.Error as error:
            self._endpoint.forget()
            raise Unreachable("database", " ".join(str(error).split())) from error

    def _attempt(self, work: Work[T], held: _Held) -> tuple[str, T]:
        address = self._endpoint.address()
        connection = self._idle_one(address)
        if connection is not None:
            try:
                return address, self._finish(work, address, connection, held)
            except psycopg.OperationalError:
                if held.committing or not connection.broken:
                    raise
                # The server had ended this connection while it was idle: nothing is committed.
        return address, self._finish(work, address, self._connect(address), held)

    def _finish(
        self, work: Work[T], address: str, connection: psycopg.Connection, held: _Held
    ) -> T:
        held.take(connection)
        try:
            done = work(connection)
            held.committing = True
            connection.commit()
        except BaseException:
            connection.close()
            raise
        finally:
            held.give_back()
        with self._lock:
            self._idle.append((address, connection))
        return done

    def _idle_one(self, address: str) -> psycopg.Connection | None:
        with self._lock:
            while self._idle:
                where, connection = self._idle.pop()
                if where == address:
                    return connection
                connection.close()
        return None

    def _connect(self, address: str) -> psycopg.Connection:
        return psycopg.connect(
            host=address,
            port=self._port,
            dbname=self._name,
            user=self._user,
            password=self._password,
            connect_timeout=CONNECT_SECONDS,
            application_name="orders",
        )


class _Held:
    """The connection that a piece of work holds, so that another thread can cut it off."""

    def __init__(self) -> None:
        self.committing = False
        self._late = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def take(self, connection: psycopg.Connection) -> None:
        with self._lock:
            # A copy of the descriptor: libpq's own may be closed, and its number used again.
            self._socket = socket.socket(fileno=os.dup(connection.fileno()))
            if self._late:
                self._socket.shutdown(socket.SHUT_RDWR)

    def give_back(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def cut(self) -> None:
        with self._lock:
            self._late = True
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
