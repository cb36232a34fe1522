"""Make a program of the C++ blocks of a Markdown file: snippets.py README.md OUT.cpp

Each ```cpp block becomes a function, run in the order of the text in a folder that holds `big.npy`; includes
go to the top, and structs with their NPYMAP_RECORD stay in front of it. What does not compile or throws fails
the test.
"""

import re
import sys

text = open(sys.argv[1]).read()
blocks = re.findall(r"```cpp\n(.*?)```", text, re.S)
assert blocks, "no C++ in " + sys.argv[1]
includes, functions = [], []
for n, block in enumerate(blocks):
    lines = block.splitlines()
    includes += [line for line in lines if line.startswith("#include")]
    lines = [line for line in lines if not line.startswith("#include")]
    bound = max((i for i, line in enumerate(lines, 1) if line.startswith("NPYMAP_RECORD(")), default=0)
    functions += ["\n".join(lines[:bound]) + "\n"] if bound else []
    body = "\n".join("  " + line for line in lines[bound:])
    functions.append(f"static void snippet_{n}() {{\n{body}\n}}\n")

with open(sys.argv[2], "w") as out:
    out.write("\n".join(sorted(set(includes))) + "\n#include <cstdio>\n#include <exception>\n\n")
    out.write("\n".join(functions))
    calls = "\n".join(f"    snippet_{n}();" for n in range(len(blocks)))
    out.write(f"""
int main() {{
  try {{
    npymap::create<double>("big.npy", {{1000, 8}}).close();
{calls}
  }} catch (const std::exception& e) {{
    std::fprintf(stderr, "%s\\n", e.what());
    return 1;
  }}
}}
""")
