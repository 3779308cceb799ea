"""KServe's V1 REST over one pickled scikit-learn model. SIGTERM: no new connection, answer what is in flight, end."""

import argparse
import json
import pickle
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BODY_BYTES_MAX = 100 * 1024 * 1024


class Refused(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    model = None
    name = ""

    def do_GET(self):
        self.reply(self.describe)

    def do_POST(self):
        self.reply(self.predict)

    def describe(self):
        if self.path == "/v1/models":
            return {"models": [self.name]}
        if self.path == f"/v1/models/{self.name}":
            return {"name": self.name, "ready": True}
        raise Refused(404, f"path {self.path}: not found; there is /v1/models/{self.name}")

    def predict(self):
        length = int(self.headers.get("content-length") or 0)
        if length > BODY_BYTES_MAX:
            self.close_connection = True
            raise Refused(413, f"body: more than {BODY_BYTES_MAX} bytes")
        # Read before anything is refused: what stays unread would be taken for the next request.
        text = self.rfile.read(length)
        if self.path != f"/v1/models/{self.name}:predict":
            raise Refused(404, f"path {self.path}: not found; there is /v1/models/{self.name}:predict")
        try:
            rows = json.loads(text)["instances"]
            return {"predictions": self.model.predict(rows).tolist()}
        except (ValueError, KeyError, TypeError) as error:
            expected = f"a list of rows of {self.model.n_features_in_} numbers"
            raise Refused(400, f"instances: expected {expected} ({error})") from error

    def reply(self, answer):
        try:
            status, body = 200, answer()
        except Refused as refused:
            status, body = refused.status, {"error": str(refused)}
        data = json.dumps(body, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        if server_stops.is_set():
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(data)
        with in_flight:
            in_flight.notify_all()

    def parse_request(self):
        parsed = super().parse_request()
        busy.add(threading.get_ident())
        return parsed

    def handle_one_request(self):
        try:
            super().handle_one_request()
        finally:
            with in_flight:
                busy.discard(threading.get_ident())
                in_flight.notify_all()

    def log_message(self, *_):
        pass


busy = set()
in_flight = threading.Condition()
server_stops = threading.Event()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--model-dir", type=Path, default=Path("model"))
    parser.add_argument("--model-name", default="sklearn-pickle")
    args = parser.parse_args()
    Handler.name = args.model_name
    Handler.model = pickle.loads((args.model_dir / "model.pickle").read_bytes())
    server = ThreadingHTTPServer(("127.0.0.1", args.port), Handler)

    def stop(*_):
        server_stops.set()
        # shutdown() waits for serve_forever, which this thread runs.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever(poll_interval=0.05)
    # Idle kept connections do not hold the end up: their threads are daemons.
    with in_flight:
        in_flight.wait_for(lambda: not busy)


if __name__ == "__main__":
    main()
