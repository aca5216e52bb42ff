"""A request by python's h2, which refuses what RFC 9113 forbids: 64 KiB to /echo, and what comes back."""

import socket
import sys

import h2.config
import h2.connection
import h2.events

sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
conn.initiate_connection()
head = [(":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", "/echo"), ("cookie", "a=1")]
conn.send_headers(1, head)
left = b"x" * 65536
ended = False
status, body, trailers = "", 0, ""
done = False
while not done:
    while left:
        size = min(conn.local_flow_control_window(1), conn.max_outbound_frame_size, len(left))
        if size == 0:
            break
        conn.send_data(1, left[:size])
        left = left[size:]
    if not left and not ended:
        conn.end_stream(1)
        ended = True
    sock.sendall(conn.data_to_send())
    data = sock.recv(65536)
    if not data:
        break
    for event in conn.receive_data(data):
        if isinstance(event, h2.events.ResponseReceived):
            status = dict(event.headers)[":status"]
        elif isinstance(event, h2.events.DataReceived):
            body += len(event.data)
            conn.acknowledge_received_data(event.flow_controlled_length, 1)
        elif isinstance(event, h2.events.TrailersReceived):
            trailers = " ".join(f"{name}={value}" for name, value in event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            done = True
print(status, body, trailers)
