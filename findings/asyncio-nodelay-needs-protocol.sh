#!/usr/bin/env bash
# asyncio: the documentation says that TCP_NODELAY is set for all TCP connections. It is not set for
# those that a server accepts on a socket made by `socket.socket()` or `socket.create_server()` and
# given as `sock=`. There, Nagle's algorithm holds the second of two small writes back until the
# client has acknowledged the first, which Linux may put off for 40 ms.
#
# Seen with Python 3.11.2 and 3.11.7 on Linux. TCP_NODELAY of the accepted connection:
#
#   host and port           1
#   socket.create_server()  0
#   socket.socket()         0
#   with IPPROTO_TCP        1
#
# Why: asyncio sets the option if the socket's attribute `proto` is IPPROTO_TCP. It is 0 if no
# protocol was named, and accepted connections inherit it. Issue 148783 of cpython tells of this on
# macOS, where it happens with host and port as well.
#
# What to do instead: name the protocol, `socket.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)`; or set
# the option in the listening socket, whose connections inherit it.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/program.py" <<'PROGRAM'
import asyncio
import socket
import sys

LOCAL = ("127.0.0.1", 0)


async def nodelay(sock=None):
    """TCP_NODELAY of a connection that a server accepts: 0 is off."""
    accepted = asyncio.get_running_loop().create_future()

    async def connected(reader, writer):
        own = writer.get_extra_info("socket")
        accepted.set_result(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    where = {"sock": sock} if sock else {"host": LOCAL[0], "port": LOCAL[1]}
    server = await asyncio.start_server(connected, **where)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    found = await accepted
    writer.close()
    server.close()
    return found


def bound(*arguments):
    made = socket.socket(*arguments)
    made.bind(LOCAL)
    return made


print("Python", sys.version.split()[0])
found = {
    "host and port": asyncio.run(nodelay()),
    "socket.create_server()": asyncio.run(nodelay(socket.create_server(LOCAL))),
    "socket.socket()": asyncio.run(nodelay(bound())),
    "with IPPROTO_TCP": asyncio.run(
        nodelay(bound(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP))
    ),
}
for name, value in found.items():
    print(f"{name:24}{value}")
sys.exit(0 if list(found.values()) == [1, 0, 0, 1] else 1)
PROGRAM
python3 "$folder/program.py"
