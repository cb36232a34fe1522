"""Make a program of the C++ blocks of a Markdown file: snippets.py README.md OUT.cpp

Each ```cpp block becomes a function, run in the order of the text in a folder that holds `big.npy` and `model.pkl`; includes
go to the top, and structs with their NPYMAP_RECORD stay in front of it. What does not compile or throws fails
the test.
"""

import re
import sys

text = open(sys.argv[1]).read()
blocks = re.findall(r"```cpp\n(.*?)```", text, re.S)
assert blocks, "no C++ in " + sys.argv[1]
MODEL = b"\x80\x03}X\x07\x00\x00\x00weights]cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR(K\x01K\x01\x85cnumpy\n" \
    b"dtype\nX\x02\x00\x00\x00f8\x89\x88\x87R(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89C\x0812345678tbas."
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
    const unsigned char model[] = {{{", ".join(map(str, MODEL))}}};
    std::FILE* const to = std::fopen("model.pkl", "wb");
    std::fwrite(model, 1, sizeof model, to);
    std::fclose(to);
{calls}
  }} catch (const std::exception& e) {{
    std::fprintf(stderr, "%s\\n", e.what());
    return 1;
  }}
}}
""")
