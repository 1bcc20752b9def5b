"""A server that speaks as much of OpenAI's chat completions as an agent uses. What it answers is decided by a function
given the conversation; every request is kept. Standard library only."""

import glob
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def calls(*wanted):
    """A message which calls tools: (name, arguments) each; arguments may be text that is not JSON."""
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_%d" % i,
                "type": "function",
                "function": {"name": name, "arguments": args if isinstance(args, str) else json.dumps(args)},
            }
            for i, (name, args) in enumerate(wanted)
        ],
    }


def says(text):
    return {"role": "assistant", "content": text}


class Raw:
    """An answer that is not a completion: any status and body."""

    def __init__(self, status, body):
        self.status = status
        self.body = body


class Server:
    """with Server(decide) as server: ... server.url, server.requests. `decide(number, messages)` gives a message or Raw."""

    def __init__(self, decide):
        self.requests = []
        self.headers = []
        self.command_lines = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                outer.command_lines.append(all_command_lines())
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.headers.append(dict(self.headers))
                outer.requests.append(body)
                if self.path != "/v1/chat/completions":
                    return self.answer(404, b"no such path")
                decided = decide(len(outer.requests), body["messages"])
                if isinstance(decided, Raw):
                    return self.answer(decided.status, decided.body)
                completion = {
                    "id": "completion",
                    "model": body["model"] + "-served",
                    "choices": [{"index": 0, "message": decided, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110,
                              "prompt_tokens_details": {"cached_tokens": 40}},
                }
                self.answer(200, json.dumps(completion).encode())

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/v1" % self.http.server_port
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


def all_command_lines():
    lines = b""
    for name in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(name, "rb") as file:
                lines += file.read() + b"\n"
        except OSError:
            pass
    return lines
