# What the tool promises of its passes over all elements: stats, hist and convert, against NumPy.
import signal
import warnings

warnings.simplefilter("ignore")  # of means of nothing, and what does not fit

NUMBERS = ["?", "i1", "u1", "<i2", ">i2", "<u4", ">u4", "<i8", ">i8", "<u8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8",
           "<f16", ">f16"]
FACTS = ["count", "nan_count", "min", "max", "mean", "std", "sum"]


def random_numbers(dtype, specials=True, shape=None):
    dtype = np.dtype(dtype)
    if shape is None:
        shape = tuple(py.choice([0, 1, 2, 3, 5, 40]) for _ in range(py.choice([0, 1, 1, 2, 3, 4])))
    n = int(np.prod(shape, dtype=int))
    if dtype.kind in "biu":
        a = np.frombuffer(py.randbytes(n * dtype.itemsize), dtype)
        a = a != 0 if dtype.kind == "b" else a
    else:
        a = np.array([py.gauss(3, 50) for _ in range(n)]).astype(dtype)
        if specials:
            few = py.choice([0, 0.1, 0.5])
            odd = [np.nan, -np.nan, 0.0, -0.0, np.finfo(dtype).tiny] + py.choice([[], [np.inf], [np.inf, -np.inf]])
            for i in range(n):
                if py.random() < few:
                    a[i] = py.choice(odd)
    a = a.reshape(shape)
    return a if py.random() < 0.5 else np.asfortranarray(a)


def stats(path, *options):
    wide = np.load(path, mmap_mode="r").dtype.itemsize == 16
    found = json.loads(run("stats", path, "--json", *options).succeeds(), parse_float=np.longdouble if wide else float)
    assert list(found) == FACTS, found
    return found


def check_summary(found, a):
    """Of a vector."""
    is_float = a.dtype.kind == "f"
    v = a[~np.isnan(a)] if is_float else a
    assert found["count"] == a.size and found["nan_count"] == a.size - v.size, found
    if v.size == 0:
        assert [found[name] for name in ("min", "max", "mean", "std", "sum")] == [None] * 4 + [0], found
        return
    low, high = found["min"], found["max"]
    assert low == v.min() and high == v.max(), (found, v)
    assert isinstance(low, bool if a.dtype.kind == "b" else (float, np.longdouble) if is_float else int), found
    wide = v.astype(np.longdouble)
    largest = float(np.abs(wide).max())
    eps = 1e-17 if a.dtype.itemsize == 16 else 2e-15
    underflow = 1e-150  # of squares, as NumPy's
    for name, expected in ("mean", wide.mean()), ("std", wide.std()):
        assert np.isclose(float(found[name]), float(expected), rtol=1e-12, atol=eps * largest * 8 + underflow, equal_nan=True), (
            name, found, expected)
    if is_float:
        assert np.isclose(float(found["sum"]), float(wide.sum()), rtol=1e-15, atol=eps * largest, equal_nan=True), found
    else:
        assert found["sum"] == v.sum(), found


# stats


def stats_random():
    for dtype in NUMBERS * 3:
        a = random_numbers(dtype)
        np.save("a.npy", a)
        more = py.choice([[], ["--threads", py.choice([1, 2, 100])], ["--memory", py.choice(["64KiB", "1MB", 512])]])
        check_summary(stats("a.npy", *more), a.reshape(-1))


def flat(nested, shape):
    if not shape:
        assert not isinstance(nested, list)
        return [nested]
    assert isinstance(nested, list) and len(nested) == shape[0], (nested, shape)
    return [value for part in nested for value in flat(part, shape[1:])]


def stats_along():
    for dtype in NUMBERS * 2:
        a = random_numbers(dtype, shape=tuple(py.choice([0, 1, 2, 3, 7, 30]) for _ in range(py.randrange(1, 4))))
        np.save("a.npy", a)
        for axis in range(-a.ndim, a.ndim):
            rest = np.moveaxis(a, axis, -1)
            found = stats("a.npy", "--axis", axis)
            columns = [flat(found[name], rest.shape[:-1]) for name in FACTS]
            rows = rest.reshape(len(columns[0]), rest.shape[-1])
            for row, values in zip(rows, zip(*columns)):
                check_summary(dict(zip(FACTS, values)), row)
        for axis in (-a.ndim - 1, a.ndim):
            run("stats", "a.npy", "--axis", axis).fails(1, "a.npy: axis", f"found {axis}").says_nothing()
    np.save("a.npy", np.float32(3))
    for axis in (-1, 0):
        run("stats", "a.npy", "--axis", axis).fails(1, "a.npy: axis", "rank 0").says_nothing()


def stats_of_nothing():
    empty = {"count": 0, "nan_count": 0, "min": None, "max": None, "mean": None, "std": None, "sum": 0}
    for dtype in NUMBERS:
        np.save("a.npy", np.zeros((3, 0), dtype))
        assert stats("a.npy") == empty
        assert stats("a.npy", "--axis", 1) == {name: [value] * 3 for name, value in empty.items()}
        assert stats("a.npy", "--axis", 0) == {name: [] for name in empty}
        text = run("stats", "a.npy").succeeds().decode()
        assert re.split(r"\s{2,}|\n", text)[:-3] == [
            "count", "0", "NaN count", "0", "min", "none", "max", "none", "mean", "none", "std", "none"], text
        run("stats", "a.npy", "--axis", 1).succeeds()
    np.save("a.npy", np.full((2, 2), np.nan))
    assert stats("a.npy") == empty | {"count": 4, "nan_count": 4}
    assert stats("a.npy", "--axis", 0)["min"] == [None, None]


def stats_extremes():
    for values, dtype in [([2**63 - 1, -2**63, 2**63 - 1], "<i8"), ([2**64 - 1, 2**64 - 1, 0], ">u8"),
                          ([2**63 - 1] * 3, ">i8"), ([2**53 + 1] * 3, "<u8")]:
        a = np.array(values, dtype)
        np.save("a.npy", a)
        found = stats("a.npy")
        assert found["min"] == min(values) and found["max"] == max(values) and found["sum"] == a.sum(), found
        along = stats("a.npy", "--axis", 0)
        assert along == found
        text = run("stats", "a.npy").succeeds().decode()
        assert f"max        {max(values)}\n" in text, text
    # Digits of each precision, subnormal and large.
    tiny, large = np.longdouble("3.6e-4951"), np.longdouble("1.18e+4932")
    for values, dtype in [([0.1, 1 / 3], "<f2"), ([0.1, 1 / 3], "<f4"), ([0.1, 5e-324, 1.7e308], "<f8"),
                          ([tiny, large, np.longdouble("0.1")], "<f16"), ([1e22, 1e16, 123456789.0], "<f8")]:
        for value in np.array(values, dtype):
            np.save("a.npy", np.array([value]))
            assert stats("a.npy")["max"] == value, (stats("a.npy"), value)
    np.save("a.npy", np.array([np.inf, -np.inf]))
    found = json.loads(run("stats", "a.npy", "--json").succeeds())
    assert found["min"] == -np.inf and found["max"] == np.inf and np.isnan(found["mean"]) and np.isnan(found["std"])


def stats_text():
    a = np.arange(12, dtype=">f4").reshape(3, 4)
    a[0, 0] = np.nan
    np.save("a.npy", a)
    lines = run("stats", "a.npy").succeeds().decode().splitlines()
    assert lines[:5] == ["count      12", "NaN count  1", "min        1.0", "max        11.0", "mean       6.0"], lines
    assert lines[5].startswith("std        3.16227766016837") and lines[6:] == ["sum        66.0"], lines
    a = np.arange(4000, dtype="i2").reshape(2, 2000)
    np.save("a.npy", a)
    text = run("stats", "a.npy", "--axis", 0).succeeds().decode()
    parts = {"count": np.full(2000, 2), "NaN count": np.zeros(2000, int), "min": a[0], "max": a[1], "mean": a.mean(0),
             "std": a.std(0), "sum": a.sum(0)}
    assert text == "".join(f"{name}\n{value}\n" for name, value in parts.items()), text


def stats_unaligned():
    a = random_numbers("<f8", shape=(31, 5))
    header = f"{{'descr':'<f8','fortran_order':False,'shape':{a.shape}}}".encode()
    write("a.npy", b"\x93NUMPY\1\0" + bytes([len(header), 0]) + header + a.tobytes())
    check_summary(stats("a.npy"), a.reshape(-1))
    run("convert", "a.npy", "b.npy").succeeds()
    assert npy_bytes(np.ascontiguousarray(a)) == open("b.npy", "rb").read()


def stats_endless():
    for shape, axis in ((2**31, 0, 3), 2), ((2**40, 0), 1), ((0, 2**40), 0), ((2**20, 2**20, 0), 2):
        write("a.npy", npy_bytes_of("'<f8'", shape))
        for more in [], ["--json"]:
            run("stats", "a.npy", "--axis", axis, *more).fails(1, "a.npy: ", "at most").says_nothing()
        assert stats("a.npy")["count"] == 0
    write("a.npy", npy_bytes_of("'<f8'", (0, 2**40)))
    assert stats("a.npy", "--axis", 1)["sum"] == []


def not_numbers():
    for dtype in ("<c8", ">c16", "<M8[s]", ">m8[ns]", "S3", "<U2", "V5", [("x", "<f8")]):
        np.save("a.npy", np.zeros(3, dtype))
        for command in ("stats", "hist"):
            run(command, "a.npy").fails(1, "a.npy: ", "expected bools, integers or real floats, found ").says_nothing()
    np.save("a.npy", np.array([None]))
    for command in (["stats", "a.npy"], ["hist", "a.npy"], ["convert", "a.npy", "b.npy"]):
        run(*command).fails(1, "Python objects").says_nothing()


def memory():
    sparse("a.npy", (1 << 17, 512))
    for command in ["stats"], ["stats", "--axis", 1], ["stats", "--axis", 0], ["hist"], ["convert", "--order=F", "--dtype=<f2"]:
        target = ["b.npy"] if command[0] == "convert" else []
        child = subprocess.Popen([tool, *map(str, command), "a.npy", *target, "--memory", "16MiB"], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = 0
        assert status == 0 and usage.ru_maxrss < 96 << 10, (command, status, usage.ru_maxrss)
    np.save("a.npy", np.arange(100.0, dtype=">f8"))
    for command in ["stats", "a.npy"], ["hist", "a.npy"], ["convert", "a.npy", "b.npy"]:
        for words in "0", "1":
            result = run(*command, "--memory", words).fails(1, "npy: --memory: expected at least ")
            least = re.search(rb"at least (\d+)", result.err).group(1).decode()
            run(*command, "--memory", least).succeeds()


# hist


def hist_random():
    for dtype in NUMBERS * 3:
        if np.dtype(dtype).itemsize == 8 and np.dtype(dtype).kind in "iu":
            continue  # whose neighbours a double may not tell apart
        a = random_numbers(dtype, specials=False)
        if a.dtype.kind == "f" and a.size:
            a[tuple(py.randrange(n) for n in a.shape)] = np.nan
        np.save("a.npy", a)
        bins = py.choice([1, 2, 10, 37])
        limits = py.choice([None, (-10.5, 40), (0, 0), (1, 100), (-1e9, -1e8)])
        more = ["--range=" + ",".join(map(str, limits))] if limits else []
        found = json.loads(run("hist", "a.npy", "--json", "--bins", bins, *more).succeeds())
        wide = a.astype("f8")
        counts, edges = np.histogram(wide[~np.isnan(wide)], bins, limits)
        assert list(found) == ["counts", "edges", "nan_count"]
        assert found["counts"] == counts.tolist(), (found, counts, edges)
        assert np.allclose(found["edges"], edges, rtol=1e-15, atol=1e-15 * max(abs(edges))), (found, edges)
        assert found["nan_count"] == np.isnan(wide).sum()


def hist_text():
    np.save("a.npy", np.array([1.0, 1, 1, 1, 2, 2, 3, np.nan]))
    ascii_only = {**os.environ, "LC_ALL": "C"}
    out = run("hist", "a.npy", "--bins", 4, "--range", "0,4", env=ascii_only).succeeds().decode()
    lines = out.splitlines()
    assert lines[0] == "0  1  0" and lines[4:] == ["NaN  1"], out
    assert lines[1] == "1  2  4 " + "#" * 72 and lines[2] == "2  3  2 " + "#" * 36, out
    utf8 = {**os.environ, "LC_ALL": "", "LC_CTYPE": "de_DE.UTF-8", "LANG": "C"}
    lines = run("hist", "a.npy", "--bins", 4, "--range", "0,4", env=utf8).succeeds().decode().splitlines()
    assert lines[1] == "1  2  4 " + "█" * 72 and lines[3] == "3  4  1 " + "█" * 18, lines
    # However few are never none, and the edges of narrow bins differ.
    np.save("a.npy", np.concatenate([np.full(100000, 1e9), [1e9 + 1]]))
    lines = run("hist", "a.npy", env=ascii_only).succeeds().decode().splitlines()
    assert lines[-1].endswith(" 1 #") and len({line.split()[0] for line in lines}) == 10, lines
    for a in np.zeros(0), np.full(3, np.nan), np.full(3, -7.0):
        np.save("a.npy", a)
        lines = run("hist", "a.npy").succeeds().decode().splitlines()
        assert len(lines) == 10 + np.isnan(a).any(), lines


def hist_infinite():
    np.save("a.npy", np.array([1.0, np.inf, -np.inf]))
    run("hist", "a.npy").fails(1, "a.npy: range", "finite", "--range").says_nothing()
    assert b"--range" not in run("hist", "a.npy", "--range=-1e308,1e308").fails(1, "a.npy: range").err
    assert json.loads(run("hist", "a.npy", "--bins=1", "--range=0,2", "--json").succeeds())["counts"] == [1]


# convert


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def without_padding(data):
    """The header, and the bytes of each field: nobody promises what lies between these."""
    a = np.load(io.BytesIO(data))
    if not a.dtype.names:
        return data
    return data[: len(data) - a.nbytes], [a[name].tobytes() for name in a.dtype.names]


def convert_order():
    for _ in range(60):
        a = random_array()
        if a.itemsize == 0:
            continue  # NumPy tells orders apart where nothing is ordered
        np.save("a.npy", a)
        kept = npy_bytes(a)
        for more, expected in ([], kept), (["--order=C"], npy_bytes(np.ascontiguousarray(a).reshape(a.shape))), (
                ["--order", "F"], npy_bytes(np.asfortranarray(a).reshape(a.shape, order="F"))):
            assert run("convert", "a.npy", "b.npy", *more).succeeds() == b""
            assert without_padding(contents("b.npy")) == without_padding(expected), (a.dtype, a.shape, more)
    assert sorted(os.listdir()) == ["a.npy", "b.npy"]


def convert_dtype():
    for _ in range(60):
        a = random_numbers(py.choice(NUMBERS), specials=False)
        to = py.choice(NUMBERS + ["<c8", ">c16"])
        np.save("a.npy", a)
        rule = py.choice(["safe", "same_kind", "unsafe"])
        result = run("convert", "a.npy", "b.npy", "--dtype", to, "--casting", rule)
        if rule == "unsafe" and a.dtype.kind == "f" and np.dtype(to).kind in "iu":
            result.succeeds()  # what does not fit is the machine's choice in NumPy
        elif np.can_cast(a.dtype, to, rule):
            result.succeeds()
            expected = a.astype(to)
            found = np.load("b.npy")
            assert found.dtype.str == expected.dtype.str and found.flags.f_contiguous == expected.flags.f_contiguous
            assert found.shape == expected.shape and (found == expected).all(), (a.dtype, to, a, found)
        elif result.code != 0:
            result.fails(1, "conversion: expected").says_nothing()
    a = np.zeros(3, [("x", "<f8"), ("y", ">i4", 2)])
    np.save("a.npy", a)
    run("convert", "a.npy", "b.npy", "--dtype", "[('x', '>f4'), ('y', '<i8', (2,))]").succeeds()
    assert np.load("b.npy").dtype == [("x", ">f4"), ("y", "<i8", 2)]


def convert_self():
    a = random_numbers("<f8", shape=(37, 11, 3))
    np.save("a.npy", a)
    for more, expected in (["--order=F"], np.asfortranarray(a)), (["--dtype=>f4"], np.asfortranarray(a).astype(">f4")):
        run("convert", "a.npy", "a.npy", *more).succeeds()
        assert contents("a.npy") == npy_bytes(expected)
    os.symlink("a.npy", "link.npy")
    run("convert", "a.npy", "link.npy", "--order=C").succeeds()
    assert os.path.islink("link.npy") and contents("a.npy") == npy_bytes(np.ascontiguousarray(a.astype(">f4")))
    assert sorted(os.listdir()) == ["a.npy", "link.npy"]


def convert_failures():
    np.save("a.npy", np.arange(3.0))
    write("b.npy", b"old")
    write("c.npy", b"no array")
    np.savez("d.npz", a=1, b=2)
    os.mkdir("folder.npy")
    for arguments, words in {
        ("a.npy", "b.npy", "--dtype=<i4"): "conversion: expected",
        ("c.npy", "b.npy"): "c.npy: ", ("d.npz", "b.npy"): "d.npz: ", ("nothing.npy", "b.npy"): "nothing.npy: ",
        ("a.npy", "none/b.npy"): "none/b.npy: ", ("a.npy", "folder.npy"): "folder.npy: ",
        ("a.npy", "b.npy", "--memory=0"): "--memory: ",
    }.items():
        run("convert", *arguments).fails(1, words).says_nothing()
        assert contents("b.npy") == b"old"
    limits = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)), "restore_signals": False}
    np.save("a.npy", np.arange(3000.0))
    run("convert", "a.npy", "b.npy", **limits).fails(1, "b.npy: ").says_nothing()
    assert contents("b.npy") == b"old"
    assert sorted(os.listdir()) == ["a.npy", "b.npy", "c.npy", "d.npz", "folder.npy"]


def interrupt(command, number):
    """What a command leaves behind that a signal meets under way."""
    child = subprocess.Popen([tool, *command, "--progress", "--threads=1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    child.stderr.read(1)  # under way
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert child.returncode == -number and out == b"", (command, child.returncode, out)
    assert b"npymap:" not in err and err.endswith(b"\n") and b"100%" not in err, err


def convert_interrupted():
    sparse("a.npy", (1 << 15, 1 << 14))
    write("b.npy", b"old")
    for number in (signal.SIGINT, signal.SIGTERM):
        interrupt(["convert", "a.npy", "b.npy", "--order=F", "--dtype=|b1", "--casting=unsafe", "--memory=32MiB"], number)
        assert contents("b.npy") == b"old" and sorted(os.listdir()) == ["a.npy", "b.npy"]


def interrupted():
    sparse("a.npy", (1 << 31,))
    for command in ["stats"], ["stats", "--json"], ["hist"]:
        interrupt([*command, "a.npy"], py.choice([signal.SIGINT, signal.SIGTERM]))


def interrupt_ignored():
    sparse("a.npy", (1 << 25,))
    for command in ["stats", "a.npy"], ["hist", "a.npy"], ["convert", "a.npy", "b.npy", "--dtype=<f2"]:
        child = subprocess.Popen([tool, *command, "--progress"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        child.stderr.read(1)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
        assert child.returncode == 0 and b"100%" in err, (command, child.returncode, err)


# all


def truncated_under_way():
    for command in ["stats", "a.npy"], ["hist", "a.npy"], ["convert", "a.npy", "b.npy", "--dtype=<f2", "--memory=16MiB"]:
        sparse("a.npy", (1 << 29,))
        write("b.npy", b"old")
        child = subprocess.Popen([tool, *command, "--progress", "--threads=1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stderr.read(1)
        os.truncate("a.npy", 4096)
        out, err = child.communicate(timeout=60)
        assert child.returncode == 1 and out == b"" and b"npymap: a.npy: " in err, (command, child.returncode, err)
        assert contents("b.npy") == b"old" and sorted(os.listdir()) == ["a.npy", "b.npy"]


def options():
    np.save("a.npy", np.arange(30.0))
    for text in ("", "x", "-1", "1.5GiB", "1 GiB", "GiB", "0x10", "12kb", "1K", "1G", "1e6", "99999999999999999999",
                 "99999999TiB", "1BB"):
        run("stats", "a.npy", f"--memory", text).fails(2, "npymap: --memory: expected bytes, as 65536", f"found '{text}'").says_nothing()
    for text in ("65536", "512MiB", "2GB", "1000B", "4kB", "4KB", "16777215TiB", "1TB", "1GiB", "64KiB", "7MB"):
        run("stats", "a.npy", "--memory", text).succeeds()
    for command, option, bad in [
        ("stats", "--threads", ("0", "-1", "x", "2147483648")), ("stats", "--axis", ("x", "1.0", "", "65", "+1")),
        ("hist", "--bins", ("0", "-3", "x", "1000001")),
        ("hist", "--range", ("", "1", "2,1", "1,2,3", "nan,1", "0,inf", "a,b", "0, 1", ",")),
        ("convert", "--order", ("", "c", "A", "CF")), ("convert", "--casting", ("", "no", "SAFE")),
        ("convert", "--dtype", ("", "float33", "<i3", "O", "[('x', 'O')]", "<f4'", "[('x',)]", "{}")),
    ]:
        for text in bad:
            target = ["b.npy"] if command == "convert" else []
            run(command, "a.npy", *target, option, text).fails(2, f"npymap: {option}: ").says_nothing()
    for name in ("b.npzz", "b.xml", "b.gz", "b", "", "b.npy/", "b.NPY"):
        run("convert", "a.npy", name).fails(2, "npymap: OUT: expected ").says_nothing()
    run("convert", "a.npy").fails(2, "OUT is required").says_nothing()
    run("convert", "a.npy", "b.npy", "c.npy").fails(2, "unexpected argument 'c.npy'").says_nothing()
    run("hist", "a.npy", "--range", "-1.5,2e3").succeeds()
    for command in ("stats", "hist", "convert"):
        assert b"--memory SIZE=256MiB" in run(command, "--help").succeeds()
    run("convert", "a.npy", "b.npy", "--dtype", "float32").succeeds()
    assert sorted(os.listdir()) == ["a.npy", "b.npy"] and np.load("b.npy").dtype == "f4"


def passes_progress():
    np.save("a.npy", np.zeros((300, 1000)))
    for command in ["stats", "a.npy"], ["stats", "a.npy", "--axis=0"], ["hist", "a.npy"], ["convert", "a.npy", "b.npy", "--order=F"]:
        run(*command).succeeds()
        run(*command, "--no-progress").succeeds()
        result = run(*command, "--progress")
        assert result.code == 0 and b"100%" in result.err and result.err.endswith(b"\n"), result.err


def passes_closed_streams():
    np.save("a.npy", np.zeros((2, 200000)))
    with open("/dev/full", "wb") as full:
        for command in ["stats", "a.npy"], ["stats", "a.npy", "--axis=0", "--json"], ["hist", "a.npy"]:
            for output in {"preexec_fn": lambda: os.close(1)}, {"stdout": full}:
                done = subprocess.run([tool, *command], stderr=subprocess.PIPE, **output)
                Result(done.returncode, b"", done.stderr).fails(1, "standard output")
            done = subprocess.run([tool, *command, "--progress"], stdout=subprocess.PIPE, stderr=full, timeout=60)
            assert done.returncode == 0 and done.stdout
    child = subprocess.Popen([tool, "stats", "a.npy", "--axis=0", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdout.read(10)
    child.stdout.close()
    assert child.stderr.read() == b"" and child.wait() == -13


globals()[test]()
