"""A WebSocket over HTTP/2 (RFC 8441) by python's h2: two echoes, the closing handshake, and the stream's end."""

import os
import socket
import ssl
import struct
import sys

import h2.config
import h2.connection
import h2.events
import h2.settings

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.set_alpn_protocols(["h2"])
sock = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="localhost")
conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
conn.initiate_connection()
sock.sendall(conn.data_to_send())

status, inbox, ended, opened = "", b"", False, False


def pump():
    """Reads once, and takes what came."""
    global status, inbox, ended, opened
    data = sock.recv(65536)
    if not data:
        raise SystemExit("the connection ended")
    for event in conn.receive_data(data):
        if isinstance(event, h2.events.RemoteSettingsChanged):
            opened = event.changed_settings.get(h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL) is not None or opened
        elif isinstance(event, h2.events.ResponseReceived):
            status = dict(event.headers)[":status"]
        elif isinstance(event, h2.events.DataReceived):
            inbox += event.data
            conn.acknowledge_received_data(event.flow_controlled_length, 1)
        elif isinstance(event, h2.events.StreamEnded):
            ended = True
        elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
            raise SystemExit(f"unexpected {event}")
    sock.sendall(conn.data_to_send())


def send(data):
    while data:
        size = min(conn.local_flow_control_window(1), conn.max_outbound_frame_size, len(data))
        if size == 0:
            pump()
            continue
        conn.send_data(1, data[:size])
        data = data[size:]
        sock.sendall(conn.data_to_send())


def frame(opcode, payload):
    length = len(payload)
    head = bytes([0x80 | opcode])
    head += bytes([0x80 | length]) if length < 126 else bytes([0x80 | 127]) + struct.pack(">Q", length)
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[at & 3] for at, byte in enumerate(payload))


def take(count):
    global inbox
    while len(inbox) < count:
        pump()
    taken, inbox = inbox[:count], inbox[count:]
    return taken


def receive():
    length = take(2)[1]
    if length == 126:
        length = struct.unpack(">H", take(2))[0]
    elif length == 127:
        length = struct.unpack(">Q", take(8))[0]
    return take(length)


while not opened:
    pump()
head = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/chat")]
head += [(":authority", "localhost"), ("sec-websocket-version", "13"), ("origin", "https://localhost")]
conn.send_headers(1, head)
sock.sendall(conn.data_to_send())
while status == "":
    pump()
send(frame(1, b"hello from python"))
first = receive().decode()
send(frame(2, bytes(70000)))
second = len(receive())
send(frame(8, struct.pack(">H", 1000)))
code = struct.unpack(">H", receive()[:2])[0]
while not ended:
    pump()
conn.end_stream(1)
sock.sendall(conn.data_to_send())
print(status, first, "|", second, "|", f"close {code}", "|", "ended")
