"""What a server can do wrong, as answers of an http.server handler: each takes the handler, whose request has been read,
and leaves the connection as such a server would."""
import socket
import struct
import time
from email.utils import formatdate


def answer(handler, status=200, body=b"{}", headers=(), content_type="application/json"):
    handler.send_response(status)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers:
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


def rate_limit(handler, remaining, reset):
    answer(handler, headers=[("RateLimit-Remaining", remaining), ("RateLimit-Reset", reset)])


def raw(handler, data):
    handler.close_connection = True
    handler.connection.sendall(data)


def reset(handler):
    """The peer sees a reset, not an end."""
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def retry_after(handler, word):
    value = {"date": formatdate(time.time() + 2, usegmt=True), "past": formatdate(0, usegmt=True),
             "none": None}.get(word, word)
    answer(handler, 429, headers=[] if value is None else [("Retry-After", value)])


def endless(handler, piece):
    try:
        while True:
            handler.connection.sendall(piece)
    except OSError:
        handler.close_connection = True


def drip(handler, seconds):
    """A byte at a time, never to the end."""
    raw(handler, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    try:
        for _ in range(int(float(seconds) * 20)):
            handler.connection.sendall(b"x")
            time.sleep(0.05)
    except OSError:
        pass


def split(handler):
    """Head and body in two segments, the second held back until the first is acknowledged."""
    handler.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
    handler.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
    handler.connection.sendall(b"{}")


def say_goodbye_silently(handler):
    """Answers as if the connection stayed, and closes it."""
    answer(handler)
    handler.close_connection = True


def shapes():
    """JSON that no server means, each as an answer that is a success otherwise."""
    return {
        "deep": b"[" * 500_000 + b"]" * 500_000,
        "deep-object": b'{"run":' * 100_000 + b"1" + b"}" * 100_000,
        "keys": b"{" + b",".join(b'"%d":{}' % i for i in range(1_000_000)) + b"}",
        "array": b"[]", "null": b"null", "number": b"1e999", "unfinished": b'{"run": {"info": {"run_id": "', "nul": b"\0",
        "types": b'{"run": {"info": {"run_id": [1]}}, "experiment_id": {}, "experiment": "x", "runs": 5, "trace": []}',
        "empty-texts": b'{"run": {"info": {"run_id": ""}}, "experiment_id": "", "experiment": {"experiment_id": ""}}',
    }


FAULTS = {
    "json": lambda h, shape: answer(h, 200, shapes()[shape]),
    "status": lambda h, code: answer(h, int(code)),
    "retry-after": retry_after,
    "rate-limit": rate_limit,
    "html": lambda h: answer(h, 200, b"<html>hello</html>", content_type="text/html"),
    "empty": lambda h: answer(h, 200, b""),
    "no-content": lambda h: raw(h, b"HTTP/1.1 204 No Content\r\n\r\n"),
    "garbage": lambda h: raw(h, b"\x16\x03\x01\x00nonsense\r\n\r\n"),
    "close": lambda h: raw(h, b""),
    "close-in-body": lambda h: raw(h, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"),
    "reset": reset,
    "reset-in-body": lambda h: (raw(h, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"), reset(h)),
    "huge": lambda h: (raw(h, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"), endless(h, b"x" * 65536)),
    "endless-head": lambda h: (raw(h, b"HTTP/1.1 200 OK\r\n"), endless(h, b"X-More: " + b"y" * 1000 + b"\r\n")),
    "endless-1xx": lambda h: endless(h, b"HTTP/1.1 102 Processing\r\n\r\n"),
    "http10": lambda h: raw(h, b"HTTP/1.0 200 OK\r\n\r\n{}"),
    "chunked": lambda h: raw(h, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"),
    "trailing": lambda h: raw(h, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}and more"),
    "hang": lambda h, seconds="30": time.sleep(float(seconds)),
    "drip": drip,
    "slow": lambda h, seconds: (time.sleep(float(seconds)), answer(h)),
    "split": split,
    "goodbye": say_goodbye_silently,
    "redirect": lambda h, code, to: answer(h, int(code), headers=[("Location", to)]),
    "unauthorized": lambda h: answer(h, 401, b"who?", [("WWW-Authenticate", 'Basic realm="x"')], "text/plain"),
}
