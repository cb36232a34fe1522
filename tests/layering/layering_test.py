#!/usr/bin/python3
"""Plant each kind of breach in a small house, and see that layering.py finds just that one."""
import pathlib
import subprocess
import sys
import tempfile

SOUND = {
    "include/npymap/error.hpp": "#include <string>\n#include <npymap/detail/export.hpp>\n",
    "include/npymap/detail/export.hpp": "",
    "include/npymap/header.hpp": "#include <npymap/error.hpp>\n",
    "include/npymap/view.hpp": "",
    "include/npymap/file_map.hpp": "",
    "include/npymap/array.hpp": "#include <npymap/view.hpp>\n#include <npymap/header.hpp>\n",
    "include/npymap/npymap.hpp": "#include <npymap/array.hpp>\n",
    "include/npymap/eigen.hpp": "#include <Eigen/Core>\n#include <npymap/array.hpp>\n",
    "src/core/error.cpp": '#include <fmt/format.h>\n#include <cerrno>\n#include "core/text.hpp"\n',
    "src/core/text.hpp": "",
    "src/format/header.cpp": '// #include <unistd.h>\n/*\n#include <unistd.h>\n*/\n#include "core/text.hpp"\n',
    "src/view/view.cpp": 'const char* s = R"(\n#include <unistd.h>\n)";\n',
    "src/io/file.cpp": '#include <unistd.h>\n#include <boost/interprocess/mapped_region.hpp>\n#include "file.hpp"\n',
    "src/io/file.hpp": "",
    "src/array/open.cpp": '#include <npymap/array.hpp>\n#include "io/file.hpp"\n',
    "src/cli/main.cpp": "#include <CLI/CLI.hpp>\n#include <iostream>\n#include <npymap/npymap.hpp>\n",
    "bench/b.cpp": "",
    "tests/t.cpp": "",
    "build/x": "",
    ".git/x": "",
}

# What is added to a file (or a new file), and a part of the line that must be printed for it.
BREACHES = [
    ("src/core/error.cpp", "#include <npymap/array.hpp>", "looks up from core to array"),
    ("src/core/error.cpp", '#include "io/file.hpp"', "looks up from core to io"),
    ("src/view/view.cpp", "#include <npymap/header.hpp>", "looks sideways from view to format"),
    ("src/io/file.cpp", "  #  include <npymap/view.hpp>  // why", "looks sideways from io to view"),
    ("src/array/open.cpp", "#include <npymap/eigen.hpp>", "looks up from array to eigen"),
    ("src/array/open.cpp", "#include <npymap/npymap.hpp>", "looks up from array to umbrella"),
    ("src/cli/main.cpp", "#include <npymap/eigen.hpp>", "looks sideways from cli to eigen"),
    ("include/npymap/npymap.hpp", "#include <npymap/eigen.hpp>", "looks up from umbrella to eigen"),
    ("include/npymap/header.hpp", "#include <npymap/view.hpp>", "looks sideways from format to view"),
    ("include/npymap/view.hpp", '#include "core/text.hpp"', "private ones stay out"),
    ("include/npymap/view.hpp", "#include <npymap/gone.hpp>", "no header of ours"),
    ("include/npymap/view.hpp", "#include <boost/config.hpp>", "heavy or foreign"),
    ("include/npymap/view.hpp", "#include <fmt/format.h>", "heavy or foreign"),
    ("include/npymap/view.hpp", "#include <sys/mman.h>", "heavy or foreign"),
    ("include/npymap/view.hpp", "#include <thread>", "heavy or foreign"),
    ("include/npymap/view.hpp", "#include <iostream>", "heavy or foreign"),
    ("include/npymap/view.hpp", "#include <filesystem>", "heavy or foreign"),
    ("include/npymap/view.hpp", "#include <Eigen/Core>", "heavy or foreign"),
    ("include/npymap/error.hpp", "#include <complex>", "heavy or foreign"),
    ("include/npymap/eigen.hpp", "#include <CLI/CLI.hpp>", "heavy or foreign"),
    ("include/npymap/view.hpp", "#include NAME", "only a name in <> or quotes"),
    ("include/npymap/view.hpp", "#include_next <vector>", "only a name in <> or quotes"),
    ("include/npymap/utils.hpp", "", "a public header that no room owns"),
    ("src/utils/x.cpp", "", "is in no room"),
    ("src/x.cpp", "", "is in no room"),
    ("src/format/header.cpp", "#include <unistd.h>", "reached in src/io alone"),
    ("src/array/open.cpp", "#include <sys/stat.h>", "reached in src/io alone"),
    ("src/array/open.cpp", "/* why */ #include <fcntl.h>", "reached in src/io alone"),
    ("src/array/open.cpp", "#include <boost/interprocess/file_mapping.hpp>", "for io alone"),
    ("src/array/open.cpp", "#include <Eigen/Core>", "for eigen alone"),
    ("src/io/file.cpp", "#include <CLI/CLI.hpp>", "for cli alone"),
    ("src/io/file.cpp", "#include <iostream>", "prints nothing"),
    ("src/io/file.cpp", '#include "gone.hpp"', "no header of ours"),
    ("docs/index.md", "", "a folder that the top level does not have"),
]


def run(checker, files):
    """The lines that the checker prints for these files, and its exit code."""
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = pathlib.Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run([sys.executable, checker, root], capture_output=True, text=True)
        return done.stdout.splitlines(), done.returncode


def main():
    checker = pathlib.Path(__file__).with_name("layering.py")
    failures = 0
    lines, code = run(checker, SOUND)
    if code != 0 or len(lines) != 1:
        failures += 1
        print("a sound house is blamed:", *lines, sep="\n")
    for name, text, expected in BREACHES:
        lines, code = run(checker, {**SOUND, name: SOUND.get(name, "") + text + "\n"})
        if code != 1 or len(lines) != 2 or expected not in lines[0] or not lines[0].startswith(name.split("/")[0]):
            failures += 1
            print(f"{name} with {text!r}: expected one breach, '{expected}', got:", *lines, sep="\n  ")
    lines, code = run(checker, {})
    if code != 1:
        failures += 1
        print("an empty house passes")
    print(f"{len(BREACHES) + 2} houses, {failures} judged wrongly")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
