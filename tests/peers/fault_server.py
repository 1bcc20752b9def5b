#!/usr/bin/env python3
"""A server that misbehaves as it is told: fault_server.py [--tls CERTIFICATE KEY [--client-ca FILE]] [--old-tls]

The first part of a path names the fault (tests/peers/faults.py), the others are its arguments: /retry-after/3. /echo
answers with what was received, /recorded with all requests so far. Prints its port, and ends with its standard input."""
import argparse
import json
import ssl
import sys
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from faults import FAULTS, answer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def read_body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def handle_any(self):
        body = self.read_body()
        seen = {"method": self.command, "path": self.path, "headers": dict(self.headers.items()),
                "size": len(body), "body": body[:65536].decode("latin-1"), "peer": self.client_address[1]}
        path = self.path.split("?")[0]
        if path.startswith("http"):  # we are its proxy
            path = "/" + path.split("/", 3)[3]
        name, *arguments = [unquote(part) for part in path.strip("/").split("/")]
        if name == "recorded":
            return answer(self, body=json.dumps(self.server.recorded).encode())
        self.server.recorded.append(seen)
        if name == "echo":
            return answer(self, body=json.dumps(seen).encode())
        return FAULTS[name](self, *arguments)

    def do_CONNECT(self):
        self.server.recorded.append({"method": "CONNECT", "path": self.path, "headers": dict(self.headers.items())})
        answer(self, 407)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--client-ca")
    parser.add_argument("--old-tls", action="store_true")
    options = parser.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    server.recorded = []
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        if options.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(options.client_ca)
        if options.old_tls:
            warnings.simplefilter("ignore", DeprecationWarning)
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
