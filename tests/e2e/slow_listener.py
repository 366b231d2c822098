#!/usr/bin/env python3
"""Listens to a stream of snapshots and does not read for a while.

usage: slow_listener.py HOST PORT TOKEN SECONDS

Its socket takes 4 KiB, so that the sender has soon no room for the next snapshot. After SECONDS it
reads until a snapshot comes that is younger than that, and prints a line of JSON: the times of all
snapshots, how many accounts the last one has, and whether the stream ended.
"""

import json
import socket
import sys
import time


def snapshots(connection, buffered=b""):
    while True:
        while b"\n\n" in buffered:
            event, buffered = buffered.split(b"\n\n", 1)
            if event.startswith(b"data: "):
                yield json.loads(event[6:])
        some = connection.recv(65536)
        if not some:
            return
        buffered += some


def main(host, port, token, seconds):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((host, int(port)))
    connection.sendall(
        f"GET /dashboard/sse HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {token}\r\n\r\n".encode()
    )
    time.sleep(float(seconds))
    reads_since = time.time()
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(4096)
    head, rest = head.split(b"\r\n\r\n", 1)
    times, accounts, ended = [], 0, True
    for snapshot in snapshots(connection, rest):
        times.append(snapshot["timestamp"])
        accounts = len(snapshot["backends"])
        if times[-1] > reads_since + 2:
            ended = False
            break
    print(json.dumps({"times": times, "accounts": accounts, "ended": ended}))


if __name__ == "__main__":
    main(*sys.argv[1:])
