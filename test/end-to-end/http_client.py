"""Python's http.client through the gateway: says as JSON what it saw. Arguments: port, host name."""

import hashlib
import http.client
import json
import socket
import sys

port, host = int(sys.argv[1]), sys.argv[2]
seen = {}


def connection():
    return http.client.HTTPConnection("127.0.0.1", port, timeout=60)


# Keep-alive: many requests on one socket, and both versions answer.
one = connection()
versions, sockets = [], set()
for number in range(20):
    one.request("POST", "/digest", body=b"x" * number, headers={"Host": host})
    answer = one.getresponse()
    said = json.loads(answer.read())
    assert (answer.status, said["bytes"]) == (200, number), said
    versions.append(said["version"])
    sockets.add(id(one.sock))
seen["versions"] = {version: versions.count(version) for version in sorted(set(versions))}
seen["sockets"] = len(sockets)

# A chunked upload from a generator.
sent = [bytes([number % 256]) * 100_000 for number in range(50)]
one.request("POST", "/digest", body=iter(sent), headers={"Host": host}, encode_chunked=True)
said = json.loads(one.getresponse().read())
seen["chunked"] = {
    "bytes": said["bytes"],
    "whole": said["sha256"] == hashlib.sha256(b"".join(sent)).hexdigest(),
    "framing": said["framing"],
}

# Expect: the body is sent once the gateway has said that it may.
one.putrequest("POST", "/digest", skip_host=True)
for name, value in (("Host", host), ("Content-Length", "5"), ("Expect", "100-continue")):
    one.putheader(name, value)
one.endheaders()
seen["continue"] = one.sock.recv(100, socket.MSG_PEEK).decode("latin1").split("\r\n")[0]
one.send(b"hello")
said = json.loads(one.getresponse().read())
seen["expected"] = {"bytes": said["bytes"], "whole": said["sha256"] == hashlib.sha256(b"hello").hexdigest()}

# HEAD, an answer without a body, and a streamed answer.
one.request("HEAD", "/bytes?count=1000", headers={"Host": host})
answer = one.getresponse()
seen["head"] = [answer.status, answer.getheader("content-length"), len(answer.read())]
one.request("GET", "/events?count=100", headers={"Host": host})
answer = one.getresponse()
seen["events"] = sum(1 for line in answer if line.startswith(b"data: "))
one.close()

# HTTP/1.0 knows neither chunks nor keep-alive.
old = connection()
old._http_vsn, old._http_vsn_str = 10, "HTTP/1.0"
old.request("GET", "/events?count=100", headers={"Host": host})
answer = old.getresponse()
seen["http10"] = {
    "chunked": answer.getheader("transfer-encoding") is not None,
    "events": answer.read().count(b"data: "),
}

print(json.dumps(seen))
