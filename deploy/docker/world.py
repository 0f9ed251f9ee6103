"""What a pod of the image would find around it: a name server, and a metric server and an API server behind TLS.

All on loopback, in the network namespace that the caller made, so the ports are free.
"""

import fcntl
import http.server
import json
import socket
import socketserver
import ssl
import struct
import subprocess
import threading

METRICS = "metrics.streams.test"
API_SERVER = "api.cluster.test"
PORT = 8443
LISTS = {
    "pods": ("PodList", "v1"),
    "horizontalpodautoscalers": ("HorizontalPodAutoscalerList", "autoscaling/v2"),
    "poddisruptionbudgets": ("PodDisruptionBudgetList", "policy/v1"),
}
NOT_FOUND = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "not found",
    "reason": "NotFound",
    "code": 404,
}
WORKLOAD = {
    "kind": "Deployment",
    "apiVersion": "apps/v1",
    "metadata": {"name": "consumer", "namespace": "streams", "uid": "a-uid", "generation": 1},
    "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "consumer"}}, "template": {}},
    "status": {"observedGeneration": 1},
}


def raise_loopback():
    """A new network namespace has its loopback interface down."""
    flags_of, set_flags, up_and_running = 0x8913, 0x8914, 0x41
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = fcntl.ioctl(any_socket, flags_of, struct.pack("16sh22x", b"lo", 0))
        flags = struct.unpack("16sh22x", asked)[1]
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh22x", b"lo", flags | up_and_running))


class NameServer(socketserver.BaseRequestHandler):
    """Answers 127.0.0.1 for the two names, and that there is no such name for any other."""

    def handle(self):
        query, connection = self.request
        name, end = [], 12
        while query[end]:
            name.append(query[end + 1 : end + 1 + query[end]].decode())
            end += 1 + query[end]
        question = query[12 : end + 5]
        kind = struct.unpack(">H", query[end + 1 : end + 3])[0]
        known = ".".join(name) in (METRICS, API_SERVER)
        answers = [struct.pack(">HHHIH4s", 0xC00C, 1, 1, 60, 4, bytes([127, 0, 0, 1]))] if known and kind == 1 else []
        header = struct.pack(">HHHHHH", *struct.unpack(">H", query[:2]), 0x8180 if known else 0x8183, 1, len(answers), 0, 0)
        connection.sendto(header + question + b"".join(answers), self.client_address)


class Servers(http.server.BaseHTTPRequestHandler):
    """A metric server without series and an API server with one workload of no pods; remembers who was asked for what."""

    protocol_version = "HTTP/1.1"
    requests = []

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.reply({"status": "success", "data": {"resultType": "vector", "result": []}})

    def do_GET(self):
        if "/deployments/" in self.path:
            self.reply(WORKLOAD)
        elif "/leases/" in self.path:
            self.reply(NOT_FOUND, 404)
        else:
            kind, version = LISTS[self.path.split("?")[0].rsplit("/", 1)[-1]]
            self.reply({"kind": kind, "apiVersion": version, "metadata": {"resourceVersion": "1"}, "items": []})

    def reply(self, answer, status=200):
        host = self.headers.get("Host", "").split(":")[0]
        Servers.requests.append((host, self.path.split("?")[0]))
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Silent: what was asked is in `requests`."""


def certify(folder):
    """Makes an authority and a certificate for both names; returns the paths of the authority, certificate and key."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-subj", "/CN=authority of the test", "-keyout", "ca.key", "-out", "ca.crt")
    openssl("req", *curve, "-subj", "/CN=server of the test", "-keyout", "server.key", "-out", "server.csr")
    with open(f"{folder}/names", "w") as names:
        names.write(f"subjectAltName=DNS:{METRICS},DNS:{API_SERVER}\nbasicConstraints=CA:FALSE\n")
    openssl(
        "x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
        "-extfile", "names", "-days", "2", "-out", "server.crt",
    )  # fmt: skip
    return f"{folder}/ca.crt", f"{folder}/server.crt", f"{folder}/server.key"


def start(certificate, key):
    """Starts the servers; they end with the process."""
    raise_loopback()
    names = socketserver.ThreadingUDPServer(("127.0.0.1", 53), NameServer)
    servers = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Servers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    servers.socket = context.wrap_socket(servers.socket, server_side=True)
    for server in (names, servers):
        threading.Thread(target=server.serve_forever, daemon=True).start()
