"""Python's http.client over TLS through the gateway: says as JSON what it saw. Arguments: port, host name, CA file."""

import http.client
import json
import ssl
import sys

port, host, ca = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(cafile=ca)
one = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
versions, sockets = [], set()
for number in range(20):
    one.request("POST", "/digest", body=b"x" * number, headers={"Host": host})
    answer = one.getresponse()
    said = json.loads(answer.read())
    assert (answer.status, said["bytes"]) == (200, number), said
    versions.append(said["version"])
    sockets.add(id(one.sock))
one.request("POST", "/digest", body=iter([b"x" * 100_000] * 50), headers={"Host": host}, encode_chunked=True)
print(
    json.dumps(
        {
            "versions": {version: versions.count(version) for version in sorted(set(versions))},
            "sockets": len(sockets),
            "bytes": json.loads(one.getresponse().read())["bytes"],
        }
    )
)
