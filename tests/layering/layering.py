#!/usr/bin/python3
"""Check that every include of npymap keeps to the floors that CONTRIBUTING.md draws.

Usage: layering.py [ROOT]. Prints one line for each breach and exits with 1 if there is any.
"""
import pathlib
import re
import sys

# A room includes from lower floors and from itself; those of floor 0 include one another.
FLOORS = [
    ["core"],
    ["deflate", "format", "io", "view"],
    ["array"],
    ["stream"],
    ["npz", "pickle", "text"],
    ["umbrella"],
    ["chrono", "cli", "eigen"],
]

# The room of each public header, which is named here before it can be included.
PUBLIC_HEADERS = {
    "core": "error shape dtype datetime float16 record stored detail/checked detail/export detail/shared",
    "format": "header",
    "io": "file_map guard",
    "view": "slice view detail/array_like detail/axis_values detail/element_iterator detail/layout detail/loop_nest",
    "array": "array any_array append convert npy_writer strings detail/array_storage",
    "stream": "pass source batches blocks copy gather reduce statistics transform detail/matrix_walk detail/piece_walk",
    "npz": "npz npz_writer",
    "pickle": "pickle",
    "text": "load_text save_text text_encoding",
    "umbrella": "npymap",
    "chrono": "chrono",
    "eigen": "eigen eigen_passes",
}

# The standard headers that a public header may include: every user pays for them in each source.
# <memory>, <algorithm>, <functional>, <complex>, <filesystem> and the streams cost 0.2 s and more.
LIGHT = set(
    "array bit cassert cerrno climits compare concepts cstddef cstdint cstdlib cstring"
    " initializer_list iterator limits new optional span stdexcept stop_token string string_view"
    " system_error tuple type_traits utility vector version".split()
)

# Heavier ones that a room's public headers cannot do without.
HEAVY = {
    "array": {"complex"},  # visit hands it over
    "stream": {"stop_token"},  # the caller's
    "pickle": {"variant"},  # what a Python object may be
    "chrono": {"chrono", "ratio"},
    "eigen": {"algorithm", "cmath", "complex"},
}

# The one room that may include a foreign library, by how the name begins.
FOREIGN = {
    "Eigen/": "eigen",
    "unsupported/Eigen/": "eigen",
    "CLI/": "cli",
    "boost/interprocess/": "io",
    "isa-l/": "deflate",
    "libdeflate.h": "deflate",
    "zlib.h": "deflate",
    "oneapi/tbb/": "stream",
    "tbb/": "stream",
}

# Headers of the compiler rather than of the operating system.
COMPILERS = {"immintrin.h"}

# The library prints nothing and leaves the locale alone.
LOUD = {"iostream", "locale", "clocale", "syncstream"}

TOP_LEVEL = {"include", "src", "bench", "tests"}

FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
ROOM_OF = {
    f"npymap/{name}.hpp": room for room, names in PUBLIC_HEADERS.items() for name in names.split()
}

COMMENT_OR_LITERAL = re.compile(
    r'//(?:\\\n|[^\n])*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"', re.DOTALL
)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*(include(?:_next)?)\b[ \t]*(.*?)[ \t]*$', re.MULTILINE)


def includes_of(text):
    """Yield what stands after each #include, `<...>` or `"..."`, outside of comments."""

    def blank(match):
        piece = match.group()
        return piece if piece.startswith('"') else re.sub(r"[^\n]", " ", piece)

    for match in INCLUDE.finditer(COMMENT_OR_LITERAL.sub(blank, text)):
        yield match.group(2) if match.group(1) == "include" else "#include_next"


def may_use(room, other):
    """Whether a file of `room` may include one of `other`."""
    return room == other or FLOOR_OF[other] < FLOOR_OF[room] or FLOOR_OF[other] == FLOOR_OF[room] == 0


def owner_of(name):
    """The room that a foreign library is for, or None."""
    return next((room for start, room in FOREIGN.items() if name.startswith(start)), None)


class Checker:
    def __init__(self, root):
        self.root = root
        self.breaches = []

    def check(self):
        self.check_top_level()
        for path in self.sources("include"):
            name = path.relative_to(self.root / "include").as_posix()
            if name not in ROOM_OF:
                self.breach(path, "is a public header that no room owns: name it in layering.py")
                continue
            for target in self.targets(path):
                self.check_public(path, ROOM_OF[name], target)
        for path in self.sources("src"):
            parts = path.relative_to(self.root / "src").parts
            if len(parts) < 2 or parts[0] not in FLOOR_OF:
                self.breach(path, "is in no room: src/<room>/ with the rooms of layering.py")
                continue
            for target in self.targets(path):
                self.check_private(path, parts[0], target)
        return self.breaches

    def breach(self, path, what):
        self.breaches.append(f"{path.relative_to(self.root).as_posix()}: {what}")

    def sources(self, folder):
        suffixes = {".hpp", ".cpp", ".h", ".cc", ".ipp", ".inl"}
        return sorted(p for p in (self.root / folder).rglob("*") if p.suffix in suffixes)

    def targets(self, path):
        for written in includes_of(path.read_text(encoding="utf-8")):
            if re.fullmatch(r'<[^>]+>|"[^"]+"', written):
                yield written
            else:
                self.breach(path, f"includes {written}: only a name in <> or quotes can be checked")

    def check_top_level(self):
        for path in sorted(self.root.iterdir()):
            known = path.name in TOP_LEVEL or path.name.startswith((".", "build"))
            if path.is_dir() and not known:
                self.breach(path, "is a folder that the top level does not have")

    def check_public(self, path, room, target):
        name = target[1:-1]
        if name.startswith("npymap/"):
            self.check_floor(path, room, target)
        elif target[0] == '"':
            self.breach(path, f"includes {target}: public headers are <npymap/...>, private ones stay out")
        elif name not in LIGHT | HEAVY.get(room, set()) and owner_of(name) != room:
            self.breach(path, f"includes {target}, which is heavy or foreign for a public header")

    def check_private(self, path, room, target):
        name = target[1:-1]
        if name.startswith("npymap/") or target[0] == '"':
            self.check_floor(path, room, target)
        elif owner_of(name) not in (None, room):
            self.breach(path, f"includes {target}, which is for {owner_of(name)} alone")
        elif name.endswith(".h") and owner_of(name) is None and not name.startswith("fmt/") and name not in COMPILERS and room != "io":
            self.breach(path, f"includes {target}: the operating system is reached in src/io alone")
        elif name in LOUD and room != "cli":
            self.breach(path, f"includes {target}: the library prints nothing and knows no locale")

    def check_floor(self, path, room, target):
        name = target[1:-1]
        if target[0] == "<":
            other = ROOM_OF.get(name)
            exists = (self.root / "include" / name).is_file()
        else:
            other = name.split("/")[0] if "/" in name else room
            found = self.root / "src" / name if "/" in name else path.parent / name
            exists = found.is_file()
        if not exists or other not in FLOOR_OF:
            self.breach(path, f"includes {target}, which is no header of ours")
        elif not may_use(room, other):
            way = "up" if FLOOR_OF[other] > FLOOR_OF[room] else "sideways"
            self.breach(path, f"includes {target}, which looks {way} from {room} to {other}")


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    checker = Checker(root)
    breaches = checker.check()
    files = len(checker.sources("include")) + len(checker.sources("src"))
    if not files:
        breaches.append(f"{root}: no sources found")
    for breach in breaches:
        print(breach)
    print(f"{files} files, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
