"""A small application: what it gets, an upload, a status, a WebSocket that says everything back."""
import hashlib
import uwsgi


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/ws":
        uwsgi.websocket_handshake(environ["HTTP_SEC_WEBSOCKET_KEY"], environ.get("HTTP_ORIGIN", ""))
        while True:
            message = uwsgi.websocket_recv()
            uwsgi.websocket_send(message)
    if path == "/upload":
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response("201 Made", [("Content-Type", "text/plain")])
        return [f"{len(body)} {hashlib.md5(body).hexdigest()}".encode()]
    if path == "/missing":
        start_response("404 Not Here", [("Content-Type", "text/plain"), ("X-A", "b")])
        return [b"no such page"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    names = ["REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_X_A"]
    return ["".join(f"{name}={environ.get(name, '(none)')}\n" for name in names).encode()]
