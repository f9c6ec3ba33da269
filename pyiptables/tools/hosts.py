"""The machine's own lists of names: ``/etc/hosts``, ``services``, ``protocols``, ``passwd`` … read when asked.

Never asks the network unless ``resolve`` says so (``PYIPTABLES_RESOLVE=1``).
"""

from __future__ import annotations

import os

from pyiptables.xtables.addresses import ip6_text, parse_ip6, parse_strict_ip4

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SystemNames"]


def _folder() -> str:
    if os.name == "nt":
        return os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "drivers", "etc")
    return "/etc"


def _lines(path: str) -> Iterator[list[str]]:
    """The words of each line that is not comment."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        parts = []
        while part := os.read(fd, 1 << 20):
            parts.append(part)
    except OSError:
        return
    finally:
        os.close(fd)
    for line in b"".join(parts).decode("utf-8", "surrogateescape").splitlines():
        words = line.partition("#")[0].split()
        if words:
            yield words


class SystemNames:
    """Implements ``xtables.names.Names`` over the system's files."""

    def __init__(self, resolve: bool = False, folder: str | None = None) -> None:
        self.resolve = resolve
        self.folder = folder or _folder()
        self._services: list[tuple[list[str], int, str]] | None = None
        self._protocols: list[tuple[list[str], int]] | None = None
        self._hosts: list[tuple[str, list[str]]] | None = None
        self._maps: dict[str, list[tuple[int, str]]] = {}

    def _service_list(self) -> list[tuple[list[str], int, str]]:
        if self._services is None:
            found = []
            for words in _lines(os.path.join(self.folder, "services")):
                port, slash, protocol = words[1].partition("/") if len(words) > 1 else ("", "", "")
                if slash and port.isdigit():
                    found.append(([words[0], *words[2:]], int(port), protocol))
            self._services = found
        return self._services

    def _protocol_list(self) -> list[tuple[list[str], int]]:
        if self._protocols is None:
            self._protocols = [
                ([words[0], *words[2:]], int(words[1]))
                for words in _lines(os.path.join(self.folder, "protocols"))
                if len(words) > 1 and words[1].isdigit()
            ]
        return self._protocols

    def _host_list(self) -> list[tuple[str, list[str]]]:
        if self._hosts is None:
            self._hosts = [(words[0], words[1:]) for words in _lines(os.path.join(self.folder, "hosts"))]
        return self._hosts

    def protocol_number(self, name: str) -> int | None:
        return next((number for names, number in self._protocol_list() if name in names), None)

    def protocol_name(self, number: int) -> str | None:
        return next((names[0] for names, found in self._protocol_list() if found == number), None)

    def port_number(self, name: str, protocol: str | None) -> int | None:
        for names, port, found in self._service_list():
            if name in names and protocol in (None, found):
                return port
        return None

    def port_name(self, number: int, protocol: str | None) -> str | None:
        for names, port, found in self._service_list():
            if port == number and protocol in (None, found):
                return names[0]
        return None

    def host_addresses(self, name: str, family: int) -> list[int]:
        found = []
        wanted = name.lower()
        for address, names in self._host_list():
            if wanted in [n.lower() for n in names]:
                value = parse_strict_ip4(address) if family == 4 else parse_ip6(address)
                if value is not None and value not in found:
                    found.append(value)
        if not found and self.resolve and name:
            found = self._ask_resolver(name, family)
        return found

    def _ask_resolver(self, name: str, family: int) -> list[int]:
        import socket

        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        try:
            answers = socket.getaddrinfo(name, None, kind, socket.SOCK_RAW)
        except (OSError, UnicodeError):
            return []
        found: list[int] = []
        for answer in answers:
            value = int.from_bytes(socket.inet_pton(kind, str(answer[4][0]).partition("%")[0]), "big")
            if value not in found:
                found.append(value)
        return found

    def host_name(self, address: int, family: int) -> str | None:
        for text, names in self._host_list():
            value = parse_strict_ip4(text) if family == 4 else parse_ip6(text)
            if value == address and names:
                return names[0]
        if self.resolve:
            import socket

            try:
                text = ip6_text(address) if family == 6 else socket.inet_ntoa(address.to_bytes(4, "big"))
                return socket.gethostbyaddr(text)[0]
            except OSError:
                return None
        return None

    def network_address(self, name: str) -> int | None:
        for words in _lines(os.path.join(self.folder, "networks")):
            if len(words) > 1 and name in (words[0], *words[2:]):
                parts = [int(p) for p in words[1].split(".") if p.isdigit()]
                while len(parts) < 4:
                    parts.append(0)
                return parts[0] << 24 | parts[1] << 16 | parts[2] << 8 | parts[3]
        return None

    def network_name(self, address: int) -> str | None:
        for words in _lines(os.path.join(self.folder, "networks")):
            if len(words) > 1 and self.network_address(words[0]) == address:
                return words[0]
        return None

    def _account(self, file: str, name: str) -> int | None:
        for words in _lines(os.path.join(self.folder, file)):
            fields = " ".join(words).split(":")
            if fields[0] == name and len(fields) > 2 and fields[2].isdigit():
                return int(fields[2])
        return None

    def _account_name(self, file: str, number: int) -> str | None:
        for words in _lines(os.path.join(self.folder, file)):
            fields = " ".join(words).split(":")
            if len(fields) > 2 and fields[2] == str(number):
                return fields[0]
        return None

    def user_number(self, name: str) -> int | None:
        return self._account("passwd", name)

    def user_name(self, number: int) -> str | None:
        return self._account_name("passwd", number)

    def group_number(self, name: str) -> int | None:
        return self._account("group", name)

    def group_name(self, number: int) -> str | None:
        return self._account_name("group", number)

    def _map(self, path: str) -> list[tuple[int, str]]:
        """A file of iproute2's kind: number and name on each line (``xtables_lmap_init``)."""
        if path not in self._maps:
            found = []
            for words in _lines(path):
                try:
                    number = int(words[0], 16 if words[0][:2] == "0x" else 10)
                except ValueError:
                    continue
                if len(words) > 1 and 0 <= number <= 255:
                    found.append((number, words[1]))
            self._maps[path] = found
        return self._maps[path]

    def mapped_number(self, path: str, name: str) -> int | None:
        return next((number for number, found in self._map(path) if found == name), None)

    def mapped_name(self, path: str, number: int) -> str | None:
        return next((name for found, name in self._map(path) if found == number), None)
