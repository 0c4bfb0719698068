"""What is said over PostgreSQL's, AMQP's, HTTP's and SMTP's wire, understood as far as crossings go."""

import re
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.crossings import Crossing, Moment, Trap, Watch
from tests.kit.proxy import Cut, Send

# not `for update skip locked`, not `do update set`
WRITES = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM)\s+(?!SET\b|SKIP\b|OF\b)([\w.]+)", re.IGNORECASE)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
END_OF_MAIL = b"\r\n.\r\n"
AMQP_GREETING_BYTES = 8
METHOD_FRAME = 1
CONSUME, PUBLISH, ACK = (60, 20), (60, 40), (60, 80)

# bytes to be passed on, and the kind and words of the crossing that they begin, if they do
Piece = tuple[bytes, tuple[str, str] | None]


@dataclass(frozen=True)
class Link:
    """From whom to whom a connection leads."""

    watch: Watch
    caller: str
    callee: str


class Conversation:
    """One connection: takes it apart into pieces, and lets traps spring."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._held: tuple[Trap, Crossing] | None = None

    def questions(self, data: bytes) -> Iterator[Piece]:
        """Take apart what the caller says."""
        raise NotImplementedError

    def answers(self, data: bytes) -> Iterator[Piece]:
        """Take apart what the callee says."""
        yield data, None

    def settles(self, answer: bytes) -> bool:
        """Tell whether this piece says that the last crossing has had its effect."""
        return bool(answer)

    async def hear(self, data: bytes, send: Send, *, is_answer: bool) -> None:
        """Pass the pieces on, up to where a trap cuts the connection."""
        for piece, begun in self.answers(data) if is_answer else self.questions(data):
            if is_answer and self._held is not None and self.settles(piece):
                held, self._held = self._held, None
                await self._snap(*held)
            trap, crossing = self._meet(begun)
            if trap is not None and crossing is not None and trap.moment is Moment.BEFORE:
                await self._snap(trap, crossing)
            await send(piece)
            if trap is not None and crossing is not None and trap.moment is Moment.AFTER:
                if crossing.is_answered:
                    self._held = trap, crossing
                else:
                    await self._snap(trap, crossing)

    def _meet(self, begun: tuple[str, str] | None) -> tuple[Trap | None, Crossing | None]:
        if begun is None:
            return None, None
        kind, what = begun
        role = self._link.callee if kind == "answer" else self._link.caller
        crossing, trap = self._link.watch.meet(role, kind, what)
        return trap, crossing

    async def _snap(self, trap: Trap, crossing: Crossing) -> None:
        await trap.snap(crossing)
        if trap.cuts:
            raise Cut


class Http(Conversation):
    """Requests and answers by turns, as our clients do it."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._asked: str | None = None

    def questions(self, data: bytes) -> Iterator[Piece]:
        if self._asked is not None:
            yield data, None
            return
        method, path, *_ = data.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        self._asked = f"{method} {UUID.sub('{id}', path.partition('?')[0])}"
        yield data, ("request", self._asked)

    def answers(self, data: bytes) -> Iterator[Piece]:
        asked, self._asked = self._asked, None
        yield data, None if asked is None else ("answer", asked)


class Smtp(Conversation):
    """A mail counts as sent with the dot that ends it."""

    def questions(self, data: bytes) -> Iterator[Piece]:
        yield data, ("mail", "end of data") if data.endswith(END_OF_MAIL) else None


class Framed(Conversation):
    """Bytes that come in frames of a known length."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._rests = {True: b"", False: b""}

    def length_of(self, data: bytes, *, is_answer: bool) -> int | None:
        """Tell how long the frame is that begins here; None if that cannot be seen yet."""
        raise NotImplementedError

    def frames(self, data: bytes, *, is_answer: bool) -> Iterator[bytes]:
        """Give what is whole by now."""
        rest = self._rests[is_answer] + data
        while (length := self.length_of(rest, is_answer=is_answer)) is not None and len(rest) >= length:
            frame, rest = rest[:length], rest[length:]
            self._rests[is_answer] = rest
            yield frame
        self._rests[is_answer] = rest


class Postgres(Framed):
    """A commit is a crossing if its transaction changed a row; so is a statement that writes and is its own one."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._is_begun = False
        self._is_idle = True
        self._statements: dict[bytes, str] = {}
        self._running: deque[str] = deque()
        self._written: dict[str, None] = {}

    def length_of(self, data: bytes, *, is_answer: bool) -> int | None:
        # the very first message has no letter before its length
        letter = 0 if not is_answer and not self._is_begun else 1
        if len(data) < letter + 4:
            return None
        return letter + int(struct.unpack_from("!I", data, letter)[0])

    def questions(self, data: bytes) -> Iterator[Piece]:
        for frame in self.frames(data, is_answer=False):
            is_first, self._is_begun = not self._is_begun, True
            yield frame, None if is_first else self._ask(frame)

    def _ask(self, frame: bytes) -> tuple[str, str] | None:
        match frame[:1]:
            case b"P":
                name, statement, *_ = frame[5:].split(b"\0")
                self._statements[name] = statement.decode()
            case b"B":
                _, name, *_ = frame[5:].split(b"\0")
                return self._run(self._statements.get(name, ""))
            case b"Q":
                return self._run(frame[5:-1].decode())
        return None

    def _run(self, statement: str) -> tuple[str, str] | None:
        self._running.append(statement)
        word = statement.lstrip()[:6].upper()
        if word == "COMMIT" and self._written:
            return "commit", " + ".join(self._written)
        if word in {"BEGIN;", "BEGIN ", "ROLLBA"}:
            self._written.clear()
        if self._is_idle and (written := names_of(statement)):
            return "commit", " + ".join(written)
        return None

    def answers(self, data: bytes) -> Iterator[Piece]:
        for frame in self.frames(data, is_answer=True):
            if frame[:1] == b"C" and self._running:
                self._complete(self._running.popleft(), frame[5:-1].decode())
            elif frame[:1] == b"Z":
                self._is_idle = frame[5:6] == b"I"
                self._running.clear()
                if self._is_idle:
                    self._written.clear()
            yield frame, None

    def _complete(self, statement: str, tag: str) -> None:
        if not tag.endswith(" 0"):
            self._written.update(dict.fromkeys(names_of(statement)))

    def settles(self, answer: bytes) -> bool:
        return answer[:1] == b"Z"


def names_of(statement: str) -> list[str]:
    """Name what a statement writes to."""
    found = [f"{verb.split()[0].lower()} {table}" for verb, table in WRITES.findall(statement)]
    return list(dict.fromkeys(found))


class Amqp(Framed):
    """A publish begins with its method; a confirm settles it. An ack is the consumer's last word."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._is_greeted = False
        self._queue = ""

    def length_of(self, data: bytes, *, is_answer: bool) -> int | None:
        if not is_answer and not self._is_greeted:
            return AMQP_GREETING_BYTES
        # kind, channel, size, as many bytes, an end mark
        return 8 + int(struct.unpack_from("!I", data, 3)[0]) if len(data) >= 7 else None

    def questions(self, data: bytes) -> Iterator[Piece]:
        for frame in self.frames(data, is_answer=False):
            is_first, self._is_greeted = not self._is_greeted, True
            yield frame, None if is_first else self._ask(frame)

    def _ask(self, frame: bytes) -> tuple[str, str] | None:
        method = method_of(frame)
        if method == PUBLISH:
            [_, key] = short_strings(frame[13:], 2)
            return "publish", key
        if method == CONSUME:
            [name] = short_strings(frame[13:], 1)
            self._queue = name.partition(".")[2]
        return ("ack", self._queue) if method == ACK else None

    def answers(self, data: bytes) -> Iterator[Piece]:
        for frame in self.frames(data, is_answer=True):
            yield frame, None

    def settles(self, answer: bytes) -> bool:
        return method_of(answer) == ACK


def method_of(frame: bytes) -> tuple[int, int] | None:
    """Give class and method of a frame, if it is one of a method."""
    return struct.unpack_from("!HH", frame, 7) if frame[0] == METHOD_FRAME else None


def short_strings(data: bytes, count: int) -> list[str]:
    """Read words that have their length before them."""
    found = []
    for _ in range(count):
        length = data[0]
        found.append(data[1 : 1 + length].decode())
        data = data[1 + length :]
    return found
