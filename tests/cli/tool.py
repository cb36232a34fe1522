# What the tool promises of looking at files and of its command line, against NumPy.
import ast
import pickle


def info(path):
    return json.loads(run("info", path, "--json").succeeds())


def header_literal(path):
    with open(path, "rb") as file:
        version = np.lib.format.read_magic(file)
        size = int.from_bytes(file.read(2 if version == (1, 0) else 4), "little")
        return version, ast.literal_eval(file.read(size).decode("utf8" if version == (3, 0) else "latin1"))


def random_slice(shape):
    items = []
    for extent in shape[: py.randrange(len(shape) + 1)]:
        if extent and py.random() < 0.3:
            items.append(str(py.randrange(-extent, extent)))
        else:
            bounds = [py.choice(["", str(py.randrange(-9, 9))]) for _ in range(2)]
            items.append(":".join(bounds + [py.choice(["1", "2", "-1", "-3", "7"])]))
    if py.random() < 0.2:
        items.insert(py.randrange(len(items) + 1), py.choice(["None", "np.newaxis"]))
    if py.random() < 0.3:
        items.insert(py.randrange(len(items) + 1), "...")
    return ",".join(items)


# info


def info_json():
    for _ in range(60):
        a = random_array()
        np.save("a.npy", a)
        version, literal = header_literal("a.npy")
        size = os.path.getsize("a.npy")
        assert info("a.npy") == {
            "path": "a.npy", "format": "npy", "version": list(version),
            "dtype": json.loads(json.dumps(literal["descr"])), "shape": list(a.shape),
            "fortran_order": literal["fortran_order"], "data_offset": size - a.nbytes,
            "data_bytes": a.nbytes, "file_bytes": size, "trailing_bytes": 0}


def info_text():
    np.save("a.npy", np.zeros((3, 4), ">f4", order="F"))
    out = run("info", "a.npy").succeeds().decode()
    facts = dict(re.split("  +", line) for line in out.splitlines())
    assert facts == {
        "path": "a.npy", "format": "npy 1.0", "dtype": "'>f4'", "shape": "(3, 4)", "order": "Fortran",
        "data offset": "128", "data bytes": "48", "file bytes": "176", "trailing bytes": "0"}, out


def info_truncated():
    whole = npy_bytes(np.arange(10.0))
    write("a.npy", whole + b"xyz")
    assert info("a.npy")["trailing_bytes"] == 3
    for length in range(0, len(whole), 5):
        write("a.npy", whole[:length])
        result = run("info", "a.npy", "--json").fails(1, "a.npy: ")
        if length < 128:
            result.says_nothing()
        else:
            facts = json.loads(result.out)
            assert facts["file_bytes"] == length and facts["data_bytes"] == 80
            assert facts["trailing_bytes"] == 0
            assert f"expected 80 bytes, found {length - 128} (at byte 128)".encode() in result.err


def info_object():
    np.save("a.npy", np.array([1, "a", None], object))
    facts = info("a.npy")
    assert facts["dtype"] == "|O" and facts["shape"] == [3]
    assert facts["data_bytes"] is None and facts["trailing_bytes"] is None
    assert b"Python objects" in run("info", "a.npy").succeeds()
    run("dump", "a.npy").fails(1, "Python objects").says_nothing()


def head_objects():
    values = [None, True, 1, -2**63, 2**64 - 1, 1.5, 1e16, 1e-5, float("nan"), 1 + 2j, -1j, "text", "it's", "\n\u20ac\x85",
              b"bytes\0\xff", b"", "", np.float32(0.1), np.int8(-3)]
    for shape in ((), (1,), (3,), (0,), (4, 5), (2, 0), (30, 40), (2, 3, 4)):
        a = np.empty(shape, object)
        for i in np.ndindex(shape):
            a[i] = py.choice(values)
        for order in "C", "F":
            np.save("a.npy", np.asarray(a, order=order))
            with open("a.pkl", "wb") as f:
                pickle.dump({"n": np.zeros(2), "o": np.asarray(a, order=order)}, f, py.randrange(6))
            plain = np.empty(shape, object)  # NumPy's scalars come as Python's
            for i in np.ndindex(shape):
                plain[i] = a[i].item() if isinstance(a[i], np.generic) else a[i]
            rows = py.randrange(1, 6)
            shown = str(plain[:rows] if shape else plain)
            assert run("head", "a.npy", "--rows", rows).succeeds().decode() == shown + "\n", (shown, a)
            assert run("head", "a.pkl", "--member", "$['o']", "--rows", rows).succeeds().decode() == shown + "\n"
    np.save("a.npy", np.array([{1: 2}]))
    run("head", "a.npy").fails(1).says_nothing()


def info_odd_paths():
    for name in (b"a\nb.npy", b"\xff\xfe.npy", "日本 \U0001f600.npy".encode(), b'"\\\x1b[31m.npy'):
        write(name, npy_bytes(np.zeros(2)))
        out = run("info", os.fsdecode(name), "--json").succeeds()
        assert os.fsencode(json.loads(out)["path"]) == name, out
        text = run("info", os.fsdecode(name)).succeeds()
        assert text.count(b"\n") == 9 and b"\x1b" not in text, text
        os.remove(name)
        run("info", os.fsdecode(name)).fails(1, "No such file").says_nothing()


def info_long_header():
    np.save("a.npy", np.zeros(2, [(f"field_{i}", "<f8") for i in range(1000)]))
    run("info", "a.npy").fails(1, "10000").says_nothing()
    out = run("info", "a.npy", "--json", "--header-limit", 100000).succeeds()
    assert len(json.loads(out)["dtype"]) == 1000
    assert run("dump", "a.npy", "--header-limit", 100000).succeeds() == bytes(16000)


# head

NUMPY_1 = np.__version__.startswith("1.")  # NumPy 2 prints scalars in other ways


def head_random():
    for _ in range(60):
        # NumPy refuses characters that are none, and wraps the times that a count takes too far.
        a = random_array(py.choice([t for t in DTYPES if not re.search("U|25s", str(t))]), most=40)
        np.save("a.npy", a)
        rows = py.choice([0, 1, 3, 10, 1000])
        given = [] if rows == 10 else ["--rows", rows]
        # Random bytes may be long doubles that no x87 makes, which NumPy's scalars compare as none.
        if a.ndim == 0 and (not NUMPY_1 or a.dtype.kind in "fcV" and a.itemsize >= 16):
            continue
        with np.errstate(all="ignore"):
            expected = str(a[:rows] if a.ndim else a) + "\n"
        assert run("head", "a.npy", *given).succeeds().decode() == expected, expected


def head_abbreviates():
    np.save("a.npy", np.arange(40000.0).reshape(200, 200))
    assert run("head", "a.npy").succeeds() == (str(np.arange(2000.0).reshape(10, 200)) + "\n").encode()
    np.save("a.npy", np.arange(2000))
    assert run("head", "a.npy", "--rows", 5000).succeeds() == (str(np.arange(2000)) + "\n").encode()


def head_endless():
    # 128 bytes that NumPy would print for ever.
    write("a.npy", npy_bytes(np.zeros((6, 0), "V0")).replace(b"(6, 0), }", b"(" + b"6," * 22 + b") }"))
    assert info("a.npy")["data_bytes"] == 0
    run("head", "a.npy").fails(1, "at most").says_nothing()


def head_brackets():
    # 130 bytes of which NumPy would print brackets for ever.
    for subshape in "(2147483647, 0)", "(3, 2147483647, 0, 2)":
        write("a.npy", npy_bytes_of(f"[('a', '|u1'), ('x', '<f8', {subshape})]", "(2,)") + bytes(2))
        assert verify("a.npy")["elements"] == "ok"
        run("head", "a.npy").fails(1, "a.npy: printing: expected at most").says_nothing()
    for subshape in (0, 2147483647), (5, 0), (2, 0, 3):
        a = np.zeros(2, [("a", "u1"), ("x", "<f8", subshape)])
        np.save("a.npy", a)
        assert run("head", "a.npy").succeeds().decode() == f"{a}\n"


# dump


def dump_random():
    for _ in range(60):
        a = random_array()
        np.save("a.npy", a)
        raw = a.view(f"V{a.itemsize}") if a.itemsize else a  # NumPy may not copy padding
        text = random_slice(a.shape) or "..."
        result = run("dump", "a.npy", "--slice", text)
        try:  # a view: a NumPy scalar keeps the value, but not each byte
            expected = eval(f"raw[{text}]" if "..." in text else f"raw[{text}, ...]")
        except IndexError:
            result.fails(1, "a.npy: ").says_nothing()
        else:
            assert result.succeeds() == expected.tobytes(), (a.shape, a.dtype, text)


def dump_large():
    # Longer than the blocks that the tool works in, and rows longer than these.
    a = np.frombuffer(py.randbytes(24 << 20), "<u4").reshape(3, 1 << 20, 2)
    for b in (a, np.asfortranarray(a), np.asfortranarray(a.reshape(-1, 3))):
        np.save("a.npy", b)
        assert run("dump", "a.npy").succeeds() == b.tobytes()
        assert run("dump", "a.npy", "--slice", "::-1,1::3").succeeds() == b[::-1, 1::3].tobytes()


def dump_memory():
    for fortran_order in (False, True):
        sparse("a.npy", (1 << 20, 64), fortran_order=fortran_order)
        child = subprocess.Popen([tool, "dump", "a.npy"], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = 0
        assert status == 0 and usage.ru_maxrss < 200 << 10, (status, usage.ru_maxrss)


def dump_wrong_slices():
    np.save("a.npy", np.zeros((3, 4)))
    for text in ("", "x", "1:2:0", "::-0", "1,,2", "1.5", "[1]", "...,...,0", "Ellipsis,1,...", ":::", "01", ":00:007"):
        for path in ("a.npy", "nothing.npy"):
            run("dump", path, "--slice", text).fails(2, "npymap: --slice: expected ").says_nothing()
    for text in ("3", "0,4", "0,0,0", "-4"):
        run("dump", "a.npy", "--slice", text).fails(1, "a.npy: ").says_nothing()


def dump_field():
    nested = [("u", ">u2"), (("title of v", "v"), "<f8")]
    a = np.frombuffer(py.randbytes(6 * 61), [("id", "<i4"), ("pos", "<f8", (2, 2)), ("in", nested), ("a b", "S5"),
                                             ("é", "V10")]).reshape(2, 3)
    for b in (a, np.asfortranarray(a)):
        np.save("a.npy", b)
        for name in a.dtype.names:
            assert run("dump", "a.npy", "--field", name).succeeds() == a[name].tobytes()
            part = run("dump", "a.npy", "--slice", "1,::-1", "--field", name).succeeds()
            assert part == a[name][1, ::-1].tobytes()
        assert run("dump", "a.npy", "--field=pos", "--slice", "...,1,0").succeeds() == a["pos"][..., 1, 0].tobytes()
        assert run("dump", "a.npy", "--field", "id", "--field", "a b").succeeds() == a["a b"].tobytes()
    for name in ("", "Id", "u", "id.x", "[id,pos]"):
        run("dump", "a.npy", f"--field", name).fails(
            1, "npymap: a.npy: field: expected one of 'id', 'pos', 'in', 'a b', ", f"found '{name}'").says_nothing()
    np.save("a.npy", np.zeros(3, nested))
    assert run("dump", "a.npy", "--field", "title of v").succeeds() == bytes(24)
    np.save("a.npy", np.zeros(3))
    run("dump", "a.npy", "--field", "id").fails(
        1, "npymap: a.npy: field 'id': expected a dtype with fields, found '<f8'").says_nothing()
    run("dump", "a.npy", "--field").fails(2, "npymap: --field: a value is missing").says_nothing()


def parts():
    """What head, stats, hist and convert take of fields and slices, against the same part in a file of its own."""
    a = np.zeros((40, 6), [("id", "i1"), ("pos", ">f8", (2,)), ("x", "<f4")])
    a["pos"], a["x"] = np.arange(480.0).reshape(40, 6, 2), np.arange(240).reshape(40, 6)[::-1]
    np.savez("s.npz", a=a, f=np.asfortranarray(a))
    np.savez_compressed("d.npz", a=a)
    np.save("c.npy", a)
    np.save("f.npy", np.asfortranarray(a))
    with open("a.csv", "w") as f:
        f.writelines(f"{i},{-i},{i * i}\n" for i in range(50))
    text = np.loadtxt("a.csv", delimiter=",")
    orders, hist = ([], ["--order=F"]), ["--bins", "7", "--json"]

    def results(path, part, words):
        found = {"head": run("head", path, *words).succeeds()}
        if part.dtype.names is None:
            found["stats"] = run("stats", path, *words, "--json").succeeds()
            found["hist"] = run("hist", path, *words, *hist).succeeds() if part.size > 1 else b""
            if part.ndim > 0:
                run("convert", path, "o.csv", *words).succeeds()
                found["csv"] = open("o.csv").read()
        for order in orders:
            run("convert", path, "o.npy", *words, *order).succeeds()
            b = np.load("o.npy")
            found["npy", *order] = b.dtype, b.shape, b.tobytes(), open("o.npy", "rb").read() if order else b""
        run("convert", path, "o.npz", *words, "--level=1").succeeds()
        with np.load("o.npz") as z:
            found["npz"] = z[z.files[0]].tobytes()
        return found

    for field, piece in (("pos", "3:30:2,::-1,1"), ("pos", "..., 0"), ("x", None), ("x", "5"), ("x", "2,3"), ("x", "4:4"), (None, "3:9,1"), (None, "1:-40:-2")):
        words = (["--field", field] if field else []) + (["--slice", piece] if piece else [])
        for paths, whole in ((("c.npy", "f.npy", "s.npz:a", "s.npz:f", "d.npz"), a), (("a.csv",), text)):
            if whole is text and (field or piece == "3:9,1"):
                continue
            part = whole[field] if field else whole
            part = eval(f"part[{piece}]") if piece else part
            np.save("part.npy", part)
            expected = results("part.npy", part, [])
            for path in paths:
                assert results(path, part, words) == expected, (path, words)
    assert run("stats", "c.npy", "--field=x", "--axis=0").succeeds() == run("stats", "c.npy", "--field=x", "--slice=...", "--axis=0").succeeds()
    for command in (["head", "c.npy"], ["stats", "c.npy"], ["hist", "c.npy"], ["convert", "c.npy", "o.npy"]):
        run(*command, "--field", "y").fails(1, "npymap: c.npy: field: expected one of 'id', 'pos', 'x'").says_nothing()
        run(*command, "--slice", "40").fails(1, "npymap: c.npy: ").says_nothing()
        run(*command, "--slice", "x").fails(2, "npymap: --slice: expected ").says_nothing()
    np.savez_compressed("large.npz", a=np.zeros(9 << 20))
    for path in "large.npz:a", "a.csv":
        for command in (["head", path], ["dump", path], ["stats", path], ["hist", path], ["convert", path, "o.npy"]):
            run(*command, "--field", "y").fails(1, f"npymap: {path}: field 'y': expected ").says_nothing()
            run(*command, "--slice", "1,2,3").fails(1, f"npymap: {path}: ").says_nothing()
        run("convert", path, "o.npy", "--slice=:", "--read-as=f8" if path == "a.csv" else "--order=F", "--dtype=i4").fails(1, f"npymap: {path}: conversion: ")


def dump_closed_pipe():
    sparse("a.npy", (1 << 24,))
    for command in (["dump", "a.npy"], ["dump", "a.npy", "--slice", "::2"]):
        child = subprocess.Popen([tool, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stdout.read(10)
        child.stdout.close()
        assert child.stderr.read() == b"" and child.wait() == -13  # SIGPIPE, as cat
    # Even if whoever starts it ignores the signal.
    child = subprocess.Popen([tool, "dump", "a.npy"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             restore_signals=False)
    child.stdout.close()
    assert child.stderr.read() == b"" and child.wait() == -13


def dump_full_disk():
    np.save("a.npy", np.zeros(100000))
    for command in ("info", "head", "dump", "verify"):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([tool, command, "a.npy"], stdout=full, stderr=subprocess.PIPE)
        Result(done.returncode, b"", done.stderr).fails(1, "standard output", "No space left")


def dump_truncated_under_way():
    for how in ([], ["--slice", "::-1"]):
        sparse("a.npy", (1 << 23,))
        child = subprocess.Popen([tool, "dump", "a.npy", *how], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        child.stdout.read(1)
        os.truncate("a.npy", 4096)
        out, err = child.communicate(timeout=60)
        assert len(out) < 8 << 23
        Result(child.returncode, out, err).fails(1, "a.npy: ")


def progress():
    np.save("a.npy", np.zeros(100000))
    for command in ("dump", "verify"):
        run(command, "a.npy").succeeds()
        run(command, "a.npy", "--no-progress").succeeds()
        result = run(command, "a.npy", "--progress")
        assert result.code == 0 and b"100%" in result.err and result.err.endswith(b"\n"), result.err


def progress_narrow():
    """No line is longer than the terminal, which would wrap it and keep each one that was drawn."""
    import fcntl
    import pty
    import struct
    import termios
    np.save("a.npy", np.zeros(100000))
    for columns in 1, 2, 20, 78, 79, 80, 200:
        master, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        assert subprocess.run([tool, "verify", "a.npy", "--progress"], stdout=subprocess.DEVNULL, stderr=terminal).returncode == 0
        os.close(terminal)
        drawn = b""
        try:
            while piece := os.read(master, 4096):
                drawn += piece
        except OSError:  # of a terminal that nobody has any more
            pass
        os.close(master)
        lines = drawn.rstrip(b"\r\n").split(b"\r")[1:]
        assert lines and {len(line) for line in lines} == {min(max(columns - 1, 1), 78)}, (columns, drawn)
        assert all(line.startswith(b"[#####"[:len(line)]) for line in lines[-1:]), drawn


# verify


def verify(path, code=0):
    """The verdicts by check; what the text and the JSON say agrees."""
    text = run("verify", path)
    result = run("verify", path, "--json")
    report = json.loads(result.out)
    verdicts = {c["check"]: c["verdict"] for c in report["checks"]}
    lines = [re.split("  +", line)[:2] for line in text.out.decode().splitlines()]
    assert dict(lines) == verdicts, text.out
    assert text.code == result.code == code and report["ok"] == (code == 0), (text.code, report)
    if code:
        result.fails(1, path)
        text.fails(1, path)
        assert list(verdicts.values())[-1] == "defect", verdicts
    else:
        assert text.err == result.err == b"" and "defect" not in verdicts.values()
    return verdicts


def verify_good():
    good = dict.fromkeys(["header", "form", "place", "size", "elements"], "ok")
    for _ in range(20):
        a = random_array(py.choice([t for t in DTYPES if not re.search("[U?]", str(t))]))
        np.save("a.npy", a)
        assert verify("a.npy") == good
    np.save("a.npy", np.array(["ab", "日本\U0010ffff"]))
    assert verify("a.npy") == good
    np.save("a.npy", np.zeros(1000, [("b", "?", 3), ("n", [("u", ">U2")], 2)]))
    assert verify("a.npy") == good


def verify_odd():
    whole = npy_bytes(np.arange(10.0))
    write("a.npy", whole + b"xyz")
    assert verify("a.npy")["size"] == "warning"
    write("a.npy", whole.replace(b"{'descr'", b"{ 'descr'").replace(b", } ", b", }"))
    assert verify("a.npy")["form"] == "warning"
    header = b"{'descr':'<f8','fortran_order':False,'shape':(10,)}"
    write("a.npy", b"\x93NUMPY\1\0" + bytes([len(header), 0]) + header + bytes(80))
    assert verify("a.npy") == {"header": "ok", "form": "warning", "place": "warning", "size": "ok",
                               "elements": "ok"}
    np.save("a.npy", np.frombuffer(bytes([0, 1, 2, 255]), "?"))
    assert verify("a.npy")["elements"] == "warning"
    assert b"2 bools" in run("verify", "a.npy").succeeds()
    np.save("a.npy", np.array([1, None], object))
    assert verify("a.npy")["size"] == "warning"


def verify_nothing_without_end():
    # Billions of items that take no byte: nothing to look at, and nothing to print.
    for field in ("('n', [('u', '<U0')], (2147483647,))", "('n', [('b', '?', (0,)), ('u', '>U5', (0, 2))], (2147483647,))",
                  "('n', '<U5', (2147483647, 0))", "('n', [('m', [('b', '?', (0,))], (2147483647,))], (2147483647,))"):
        write("a.npy", npy_bytes_of(f"[{field}, ('x', '?')]", "(3,)") + bytes(3))
        assert verify("a.npy")["elements"] == "ok"
        run("head", "a.npy").fails(1, "a.npy: printing: expected at most").says_nothing()


def verify_defects():
    whole = npy_bytes(np.arange(10.0))
    for length in list(range(0, 128, 9)) + [128, 207]:
        write("a.npy", whole[:length])
        assert list(verify("a.npy", 1))[-1] == ("header" if length < 128 else "size")
    record = np.zeros(5000, [("x", "i1"), ("n", [("u", ">U2")], 2)])
    np.save("a.npy", record)
    data = bytearray(open("a.npy", "rb").read())
    place = len(data) - record.nbytes + 4000 * record.itemsize + 1 + 12
    data[place + 1] = 0x11
    write("a.npy", data)
    assert list(verify("a.npy", 1))[-1] == "elements"
    run("verify", "a.npy").fails(1, "U+110000", f"at byte {place}")


def verify_large_items():
    # Longer than the blocks that are read, with the defect in the last character.
    count = 3 << 20
    data = npy_bytes_of(f"[('b', '?'), ('u', '<U{count}')]", "(2,)") + bytes(2 * (1 + 4 * count))
    write("a.npy", data)
    assert verify("a.npy")["elements"] == "ok"
    write("a.npy", data[:-4] + b"\0\0\x11\0")
    assert verify("a.npy", 1)["elements"] == "defect"
    run("verify", "a.npy").fails(1, "U+110000", f"at byte {len(data) - 4}")


# all


def address_space():
    """Of the tool is limited to less than a map of the file takes."""
    limit = 200 << 20
    limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))}
    sparse("a.npy", (1 << 28, 1024))
    assert json.loads(run("info", "a.npy", "--json", **limited).succeeds())["data_bytes"] == 8 << 38
    assert run("head", "a.npy", **limited).succeeds() == f"{np.zeros((10, 1024))}\n".encode()
    sparse("a.npy", (1 << 28,), "?")  # as large as the limit, so that verify has to read in blocks
    run("verify", "a.npy", **limited).succeeds()
    os.truncate("a.npy", 1 << 40)
    run("verify", "a.npy", **limited).succeeds()
    sparse("a.npy", (1 << 28, 1024), fortran_order=True)
    for command in ("head", "dump"):
        run(command, "a.npy", **limited).fails(1, "a.npy: ", "Cannot allocate memory").says_nothing()


def verify_truncated_under_way():
    sparse("a.npy", (1 << 40,), "i1")
    child = subprocess.Popen([tool, "verify", "a.npy", "--progress"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stderr.read(1)  # under way
    os.truncate("a.npy", 4096)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 1 and b"defect" in out, (child.returncode, out)
    assert b"npymap: a.npy: array data: expected 1099511627776 bytes, found " in err, err


def huge():
    rows = 1 << 28
    for fortran_order in (False, True):
        offset = sparse("a.npy", (rows, 1024), fortran_order=fortran_order)
        last = offset + (8 << 38) - 8
        with open("a.npy", "r+b") as file:
            file.seek(last)
            file.write(np.float64(42.0).tobytes())
        facts = info("a.npy")
        assert facts["data_bytes"] == 8 << 38 and facts["file_bytes"] == last + 8
        assert run("head", "a.npy", "--rows", 2).succeeds() == (str(np.zeros((2, 1024))) + "\n").encode()
        row = np.frombuffer(run("dump", "a.npy", "--slice", "-1").succeeds())
        assert len(row) == 1024 and row[-1] == 42 and not row[:-1].any()
        assert run("dump", "a.npy", "--slice", "-1,-1").succeeds() == np.float64(42.0).tobytes()
        with open("a.npy", "r+b") as file:
            file.truncate(last)
        for command in ("info", "head", "dump"):
            run(command, "a.npy").fails(1, f"expected {8 << 38} bytes")


def usage():
    np.save("a.npy", np.zeros(3))
    commands = "there are info, head, dump, stats, hist, convert, verify, append, recover, pack and unpack"
    for command, words in {
        (): "a command is missing: " + commands,
        ("bogus",): "unknown command 'bogus': " + commands,
        ("bogus", "a.npy", "--json"): "unknown command 'bogus': " + commands,
        ("", "a.npy"): "unknown command '': " + commands,
        ("INFO", "a.npy"): "unknown command 'INFO': " + commands,
        ("--bogus", "info", "a.npy"): "unknown option '--bogus'",
        ("info",): "FILE is required",
        ("info", ""): "FILE: expected the name of a file",
        ("info", "a.npy", "b c.npy", "d.npy"): "unexpected argument 'b c.npy'",
        ("info", "a.npy", "dump"): "unexpected argument 'dump'",
        ("info", "--bogus=3", "a.npy"): "unknown option '--bogus=3'",
        ("info", "--bogus"): "unknown option '--bogus'",
        ("info", "a.npy", "-qs", "--bogus"): "unknown option '-qs'",
        ("head", "a.npy", "--json"): "unknown option '--json'",
        ("head", "a.npy", "--rows"): "--rows: a value is missing",
        ("dump", "a.npy", "--slice="): "--slice: a value is missing",
        ("dump", "a.npy", "--progress", "--no-progress"): "--progress excludes --no-progress",
    }.items():
        run(*command).fails(2, f"npymap: {words}").says_nothing()
    assert re.fullmatch(rb"npymap \d+\.\d+\.\d+\n", run("--version").succeeds())
    assert b"verify" in run("--help").succeeds() and b"--slice" in run("dump", "--help").succeeds()


def numbers():
    np.save("a.npy", np.arange(30.0))
    for option, command, most in ("--rows", "head", 2**63 - 1), ("--header-limit", "info", 2**64 - 1):
        words = f"{option}: expected a whole number from 0 to {most}, found "
        for text in ("", " ", "x", "-1", "-0", "+3", " 3", "3 ", "1.5", "1e3", "1_0", "0x10", "[3]", "٣", str(most + 1),
                     str(2**64 + 3), "9" * 99):
            run(command, "a.npy", option, text).fails(2, f"{words}'{text}'").says_nothing()
        run(command, "a.npy", option, most).succeeds()
    for text, rows in ("0", 0), ("007", 7), ("010", 10), ("29", 29):
        assert run("head", "a.npy", "--rows", text).succeeds() == f"{np.arange(30.0)[:rows]}\n".encode()
    last = run("head", "a.npy", "--rows", 1, "--rows", 2).succeeds()
    assert last == b"[0. 1.]\n", last


def odd_names():
    np.save("a.npy", np.zeros(3))
    for command in ["info"], ["head"], ["dump"], ["verify"], ["convert", "b.npy"], ["recover"]:
        run(command[0], "-", *command[1:]).fails(1, "npymap: -: ", "standard input").says_nothing()
    run("append", "a.npy", "-").fails(1, "npymap: -: ", "standard input").says_nothing()
    for name in "info", "head", "--", "-", "-x", "--json", "[a]":
        os.link("a.npy", name)
        run("info", "--", name).succeeds()
        run("info", "./" + name).succeeds()
        if not name.startswith("-"):
            run("info", name).succeeds()


def closed_streams():
    np.save("a.npy", np.zeros(3))
    sparse("large.npy", (1 << 23,))
    commands = {("bogus",): 2, ("info",): 2, ("info", "nothing.npy"): 1, ("--help",): 0, ("head", "a.npy"): 0}
    for command in ("dump", "verify"):
        commands[command, "large.npy", "--progress"] = 0
        commands[command, "nothing.npy", "--progress"] = 1
    with open("/dev/full", "wb") as full:
        for command, code in commands.items():
            for errors in {"preexec_fn": lambda: os.close(2)}, {"stderr": full}:
                done = subprocess.run([tool, *command], stdout=subprocess.PIPE, timeout=60, **errors)
                assert done.returncode == code and (code == 0) == (done.stdout != b""), (command, done.returncode)
        for command in ("--help",), ("--version",), ("head", "--help"), ("dump", "a.npy"):
            for output in {"preexec_fn": lambda: os.close(1)}, {"stdout": full}:
                done = subprocess.run([tool, *command], stderr=subprocess.PIPE, **output)
                Result(done.returncode, b"", done.stderr).fails(1, "standard output")


def closed_streams_are_no_files():
    """What is opened first gets the number of a stream that is closed, and what is written to that."""
    a = np.arange(400000.0).reshape(-1, 4)
    np.save("a.npy", a)
    np.savez_compressed("a.npz", x=a)
    whole = open("a.npy", "rb").read()
    for closed in (2,), (0, 2), (1, 2), (0, 1), (0, 1, 2):
        def close():
            for stream in closed:
                os.close(stream)
        def quiet(*arguments):
            return subprocess.run([tool, *arguments, "--progress"], preexec_fn=close, timeout=60).returncode
        for order in "C", "F":
            assert quiet("convert", "a.npy", "b.npy", "--order", order) == 0
            assert np.array_equal(np.load("b.npy"), a), (closed, order)
        assert quiet("convert", "a.npz", "b.npz", "--level", "1") == 0
        assert np.array_equal(np.load("b.npz")["x"], a), closed
        code = 1 if 1 in closed else 0  # what was done cannot be told
        write("b.npy", whole)
        assert quiet("append", "b.npy", "a.npy") == code
        assert np.array_equal(np.load("b.npy"), np.concatenate([a, a])), closed
        assert quiet("pack", "b.npz", "x=a.npy") == code
        assert np.array_equal(np.load("b.npz")["x"], a), closed
        assert quiet("unpack", "a.npz", "out", "--force") == code
        assert open("out/x.npy", "rb").read() == whole, closed
        assert quiet("dump", "a.npz") == code


def lost_pages_in_silence():
    with open("/dev/full", "wb") as full:
        for errors in {"preexec_fn": lambda: os.close(2)}, {"stderr": full}:
            sparse("a.npy", (1 << 23,))
            child = subprocess.Popen([tool, "dump", "a.npy", "--progress"], stdout=subprocess.PIPE, **errors)
            child.stdout.read(1)
            os.truncate("a.npy", 4096)
            child.communicate(timeout=60)
            assert child.returncode == 1, child.returncode


def not_npy():
    write("zeros", bytes(200))
    write("empty", b"")
    os.mkdir("folder")
    os.mkfifo("fifo")
    for path, words in {"zeros": "NUMPY", "empty": "NUMPY", "folder": "regular file", "fifo": "regular file",
                        "/dev/null": "regular file", "/proc/self/status": "regular file",
                        "nothing.npy": "No such file"}.items():
        for command in ("info", "head", "dump"):
            run(command, path).fails(1, path, "").says_nothing()
        run("verify", path).fails(1, path)
        if words != "NUMPY":
            run("verify", path).fails(1, words).says_nothing()


def hostile():
    for _ in range(25):
        data = bytearray(npy_bytes(random_array()))
        for _ in range(py.randrange(1, 4)):
            place = py.randrange(len(data))
            data[place] = py.choice([data[place] ^ (1 << py.randrange(8)), 0, 255, *b"'(,){}09-<>U"])
        write("a.npy", data)
        for command in ("info", "head", "dump", "verify"):
            result = run(command, "a.npy")
            if result.code == 0:
                assert result.err == b"", result.err
            else:
                result.fails(1)
                if command in ("head", "dump"):
                    result.says_nothing()


globals()[test]()
