"""Each test that tests/promises.md names is there: promises_test.py TESTS-FOLDER"""

import pathlib
import re
import sys

LITERALS = r'"((?:[^"\\]|\\.)*)"'


def test_names(folder):
    for source in folder.rglob("*.cpp"):
        for words in re.findall(r'TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', source.read_text()):
            yield "".join(re.findall(LITERALS, words)).replace('\\"', '"')
    for lists in folder.rglob("CMakeLists.txt"):
        text = lists.read_text()
        yield from re.findall(r'add_test\(NAME "([^"]+)"', text)
        for target in re.findall(r"npymap_add_fuzz_target\((\w+)", text):
            yield f"fuzz: {target} takes its corpus"


tests = pathlib.Path(sys.argv[1])
known = set(test_names(tests))
promises = (tests / "promises.md").read_text()
named = [" ".join(name.split()) for name in re.findall(r"`([^`]+: [^`]+)`", promises)]
missing = [name for name in named if name not in known]
for name in missing:
    print(f"no such test: {name}")
print(f"{len(named)} tests named, {len(known)} known")
sys.exit(bool(missing) or len(named) < 20)
