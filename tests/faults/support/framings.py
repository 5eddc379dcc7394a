"""Requests whose end two readers could see in different places."""

TAIL = b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEAD = b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\n"

# name: what is sent, and the statuses that may come. None of them may be read as two requests by anybody.
FRAMINGS = {
    "a header of 64 KB": (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * (64 << 10) + b"\r\n\r\n", {431}),
    "100,000 headers": (b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 100_000 + b"\r\n", {431}),
    "a length and chunks": (HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    "two lengths": (HEAD + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n{}{}{", {400}),
    "two equal lengths": (HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", {400}),
    "a list of lengths": (HEAD + b"Content-Length: 2, 2\r\n\r\n{}", {400}),
    "a length with a sign": (HEAD + b"Content-Length: +2\r\n\r\n{}", {400}),
    "a negative length": (HEAD + b"Content-Length: -1\r\n\r\n{}", {400}),
    "a length of 2^64": (HEAD + b"Content-Length: 18446744073709551616\r\n\r\n{}", {400, 413}),
    "a length of 2^63": (HEAD + b"Content-Length: 9223372036854775808\r\n\r\n{}", {400, 413}),
    "a length in hexadecimal": (HEAD + b"Content-Length: 0x2\r\n\r\n{}", {400}),
    "chunked twice": (HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    "a coding before chunked": (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", {400}),
    "a coding that hides": (HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", {400}),
    "a chunk without its end": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}X\r\n0\r\n\r\n", {400}),
    "a chunk of a bad size": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", {400}),
    "a chunk of 2^64 bytes": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n{}\r\n0\r\n\r\n", {400, 413}),
    "a chunk with a bare line feed": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n", {400}),
    "a carriage return in a value": (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: b\rX-B: c\r\n\r\n", {400}),
    "a NUL in a value": (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: b\0c\r\n\r\n", {400}),
    "a folded line": (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n c\r\n\r\n", {400}),
    "a space before the colon": (HEAD + b"Content-Length : 2\r\n\r\n{}", {400}),
    "no host": (b"GET /health HTTP/1.1\r\n\r\n", {400}),
    "two hosts": (b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", {400}),
    "HTTP/0.9": (b"GET /health\r\n\r\n", {400, 505}),
    "HTTP/9.9": (b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n", {400, 505}),
    "a whole address": (b"GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n", {400}),
    "CONNECT": (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", {400, 404, 405}),
}
