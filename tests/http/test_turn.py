"""What one turn of the loop reads is begun in the order in which it came, and nobody is forgotten."""

import asyncio
import socket

from stillmotion.http.turn import Turn


class Caller:
    def __init__(self, name, begun, *, fails=False):
        self._name, self._begun, self._fails = name, begun, fails

    def begin_fresh(self):
        self._begun.append(self._name)
        if self._fails:
            raise RuntimeError(self._name)


async def test_callers_of_one_turn_begin_in_their_order_after_it():
    turn, begun = Turn(), []
    for name in "abc":
        turn.join(Caller(name, begun))
    assert begun == []
    await asyncio.sleep(0)
    assert begun == ["a", "b", "c"]
    turn.join(Caller("d", begun))
    await asyncio.sleep(0)
    assert begun[3:] == ["d"]


async def test_one_that_fails_takes_nobody_with_it():
    turn, begun, told = Turn(), [], []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context["exception"])))
    for name in "abcd":
        turn.join(Caller(name, begun, fails=name in "ac"))
    for _ in range(4):
        await asyncio.sleep(0)
    assert (begun, told) == (["a", "b", "c", "d"], ["a", "c"])


def test_polls_that_come_at_once_are_answered_though_some_callers_leave_at_once(any_edge):
    caller = any_edge.caller()
    task_id = caller.submit().body["id"]
    body = b'{"task_id": "%s"}' % task_id.encode()
    head = b"POST /lumalabs-ai-polling/v1/getStatus HTTP/1.1\r\nHost: x\r\nOcp-Apim-Subscription-Key: %s\r\n"
    request = head % caller.issued.primary.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body
    callers = [socket.create_connection(any_edge.address, timeout=10) for _ in range(40)]
    for each in callers:
        each.sendall(request)
    for leaving in callers[::2]:
        leaving.close()
    for staying in callers[1::2]:
        assert staying.recv(1 << 16).startswith(b"HTTP/1.1 200 OK\r\n")
        staying.close()
