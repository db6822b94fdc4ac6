"""What the server itself logs, below the application."""

import socket

from tests.faults.service import Service, served

UNREADABLE = (
    b"nonsense\r\n\r\n",
    b"GET / HTTP/1.1\r\nUser-Agent: TellTale\r\nContent-Length: x\r\n\r\n",
    b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
)


def test_a_request_that_can_t_be_read_leaves_no_address_in_the_log(database_url: str) -> None:
    with served(database_url) as service:
        for request in UNREADABLE:
            assert b" 4" in answer_to(service, request).split(b"\r\n")[0]
        assert service.ask("GET", "/healthz")[0] == 200
        service.terminate()
        log = service.logged()
    assert "127.0.0.1" not in log
    assert "TellTale" not in log


def answer_to(service: Service, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(request)
        return connection.recv(1000)
