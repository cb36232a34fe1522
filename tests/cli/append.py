# What the tool promises of files that grow, against NumPy.
import fcntl
import pickle
import signal
import time


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def append(*arguments):
    return json.loads(run("append", *arguments, "--json").succeeds())


def recover(*arguments):
    return json.loads(run("recover", *arguments, "--json").succeeds())


def grown(arrays, axis):
    shape = list(arrays[0].shape)
    shape[axis] = sum(a.shape[axis] for a in arrays)
    whole = np.zeros(shape, arrays[0].dtype)
    return np.concatenate(arrays, axis, out=whole) if whole.itemsize else whole


def is_same(path, expected):
    found = np.load(path)
    assert found.shape == expected.shape and found.dtype == expected.dtype, (found.shape, found.dtype)
    # NumPy leaves padding as it finds it.
    assert found.tobytes() == expected.tobytes() or found.dtype.names and (found == expected).all()


def append_random():
    for dtype in DTYPES:
        dtype = np.dtype(dtype)
        for order in "C", "F":
            axis = 0 if order == "C" else -1
            row = [py.randrange(0 if py.random() < 0.1 else 1, 5) for _ in range(py.randrange(3))]
            arrays = []
            for _ in range(py.randrange(2, 5)):
                count = py.choice([0, 1, 2, 9, 400])
                shape = [count] + row if order == "C" else row + [count]
                a = np.zeros(shape, dtype)
                if dtype.itemsize and not dtype.isalignedstruct:  # whose padding nobody need copy
                    a = np.frombuffer(py.randbytes(a.nbytes), dtype).reshape(shape)
                arrays.append(np.asfortranarray(a) if (order if not arrays else py.choice("CF")) == "F" else a)
            for i, a in enumerate(arrays):
                np.save(f"{i}.npy", a)
            sources = [f"{i}.npy" for i in range(1, len(arrays))]
            expected = grown(arrays, axis)
            assert append("0.npy", *sources, "--order", order) == {
                "path": "0.npy", "rows_before": arrays[0].shape[axis], "rows": expected.shape[axis],
                "shape": list(expected.shape)}
            is_same("0.npy", expected)


def append_more():
    a = np.arange(12.0).reshape(4, 3)
    np.save("a.npy", a)
    np.save("row.npy", np.array([1, 2, 3], ">i2"))
    np.save("[b]", a)
    os.rename("[b].npy", "[b]")
    os.symlink("a.npy", "link.npy")
    out = run("append", "link.npy", "a.npy", "row.npy", "./[b]", "a.npy").succeeds()
    assert out == b"rows before     4\nrows            17\nshape           (17, 3)\n", out
    is_same("a.npy", np.concatenate([a, a, [[1, 2, 3]], a, a]))
    assert os.path.islink("link.npy")
    # More than is read at once, from either order, and from files that are more than a process may have open.
    large = np.arange(3 << 20, dtype="<f8").reshape(1 << 10, -1)
    np.save("large.npy", large)
    np.save("other.npy", np.asfortranarray(large))
    append("large.npy", "other.npy", "--durability=on_close")
    is_same("large.npy", np.concatenate([large, large]))
    np.save("c.npy", np.zeros(1))
    done = subprocess.run([tool, "append", "c.npy", *["c.npy"] * 200], capture_output=True, timeout=60,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32)))
    assert done.returncode == 0, done.stderr
    is_same("c.npy", np.zeros(201))


def append_members():
    a = np.arange(12.0).reshape(4, 3)
    np.save("a.npy", a)
    np.savez("s.npz", rows=a[:2], row=np.array([7, 8, 9], ">i4"), wide=np.zeros((1, 4)))
    np.savez_compressed("d.npz", np.asfortranarray(a))
    with open("p.pkl", "wb") as file:
        pickle.dump([a], file)
    out = append("a.npy", "s.npz:rows", "s.npz:row.npy", "d.npz", "p.pkl:$[0]")
    is_same("a.npy", np.concatenate([a, a[:2], [[7, 8, 9]], a, a]))
    before = contents("a.npy")
    run("append", "a.npy", "s.npz:rows", "s.npz:wide").fails(1, "npymap: s.npz:wide: ", "found (1, 4)").says_nothing()
    damaged = bytearray(contents("s.npz"))
    damaged[damaged.index(a[:2].tobytes()) + 9] ^= 1
    write("s.npz", damaged)
    run("append", "a.npy", "d.npz", "s.npz:rows").fails(1, "npymap: s.npz:rows", "CRC").says_nothing()
    write("t.csv", b"1,2,3\n")
    run("append", "a.npy", "t.csv").fails(1, "npymap: t.csv: ", "convert").says_nothing()
    assert contents("a.npy") == before


def append_refused():
    np.save("a.npy", np.zeros((2, 3)))
    np.save("good.npy", np.ones((5, 3)))
    before = contents("a.npy")
    for name, array, words in [("shape", np.zeros((2, 4)), "expected shape (3,), or some of these along axis 0, found (2, 4)"), ("rank", np.zeros((2, 3, 1)), "found (2, 3, 1)"),
                               ("one", np.array(1.0), "found ()"), ("dtype", np.zeros((2, 3), complex), "c16"),
                               ("object", np.array([None]), "Python objects")]:
        np.save(f"{name}.npy", array)
        for sources in ([f"{name}.npy"], ["good.npy", f"{name}.npy"], [f"{name}.npy", "good.npy"]):
            run("append", "a.npy", *sources).fails(1, f"npymap: {name}.npy: ", words).says_nothing()
            assert contents("a.npy") == before
    run("append", "a.npy", "good.npy", "none.npy").fails(1, "none.npy: ", "No such file").says_nothing()
    run("append", "none.npy", "good.npy").fails(1, "none.npy: ", "No such file").says_nothing()
    run("append", "one.npy", "good.npy").fails(1, "one.npy: ", "axis that can grow").says_nothing()
    run("append", "object.npy", "good.npy").fails(1, "object.npy: ", "Python objects").says_nothing()
    run("append", "a.npy", "good.npy", "--order=F").fails(1, "a.npy: ", "found C").says_nothing()
    with open("a.npy", "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_SH)
        run("append", "a.npy", "good.npy").fails(1, "a.npy: lock").says_nothing()
        run("recover", "a.npy").fails(1, "a.npy: lock").says_nothing()
    assert contents("a.npy") == before
    write("a.npy", before + b"tail")
    run("append", "a.npy", "good.npy").fails(1, "a.npy: ", "recover", "(at byte 176)").says_nothing()
    assert contents("a.npy") == before + b"tail"


def append_full_header():
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (9,)}"
    whole = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + np.arange(9.0).tobytes()
    write("a.npy", whole)
    np.save("b.npy", np.arange(9.0, 12))
    run("append", "a.npy", "b.npy", "--full-header=refuse").fails(1, "a.npy: header: expected room").says_nothing()
    assert contents("a.npy") == whole
    os.chmod("a.npy", 0o640)
    append("a.npy", "b.npy")
    is_same("a.npy", np.arange(12.0))
    assert os.stat("a.npy").st_mode & 0o777 == 0o640 and sorted(os.listdir()) == ["a.npy", "b.npy"]
    # The same when it fails behind that: a file of its rows, and no others.
    write("a.npy", whole)
    np.save("c.npy", np.arange(1 << 20, dtype="f8"))
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    run("append", "a.npy", "b.npy", "c.npy", preexec_fn=limit).fails(1, "a.npy: ").says_nothing()
    is_same("a.npy", np.arange(9.0))
    assert append("a.npy", "b.npy")["rows"] == 12


def under_way(command, act):
    child = subprocess.Popen([tool, *command, "--progress"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    child.stderr.read(1)
    act(child)
    out, err = child.communicate(timeout=60)
    assert out == b"", out
    return child.returncode, err


def append_interrupted():
    np.save("a.npy", np.arange(10.0))
    before = contents("a.npy")
    sparse("b.npy", (1 << 27,))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        code, err = under_way(["append", "a.npy", "b.npy"], lambda child: child.send_signal(number))
        assert code == -number and b"npymap:" not in err and err.endswith(b"\n"), (code, err)
        assert contents("a.npy") == before and sorted(os.listdir()) == ["a.npy", "b.npy"]


def append_source_truncated():
    np.save("a.npy", np.arange(10.0))
    before = contents("a.npy")
    for dtype in "<f8", ">f8":
        sparse("b.npy", (1 << 27,), dtype)
        code, err = under_way(["append", "a.npy", "b.npy"], lambda child: os.truncate("b.npy", 4096))
        assert code == 1 and b"npymap: b.npy: " in err, (code, err)
        assert contents("a.npy") == before


def append_killed():
    sparse("b.npy", (1 << 22, 2))
    for _ in range(20):
        np.save("a.npy", np.arange(20.0).reshape(10, 2))
        under_way(["append", "a.npy", "b.npy"], lambda child: (time.sleep(py.random() / 50), child.kill()))
        rows = len(np.load("a.npy"))
        assert rows in (10, 10 + (1 << 22)), rows
        found = recover("a.npy")
        assert found["rows_before"] == rows and found["removed_bytes"] < 16
        is_same("a.npy", np.concatenate([np.arange(20.0), np.zeros(2 * found["rows"] - 20)]).reshape(-1, 2))


def recover_cut():
    a = np.arange(30, dtype=">u2").reshape(10, 3)
    whole = npy_bytes(a)
    four = npy_bytes(a[:4])
    for length in range(128, len(whole) + 1):
        write("a.npy", four[:128] + whole[128:length])
        rows = (length - 128) // 6
        assert recover("a.npy") == {"path": "a.npy", "rows_before": 4, "rows": rows, "removed_bytes": (length - 128) % 6}
        assert contents("a.npy") == npy_bytes(a[:rows])
    before = os.stat("a.npy")
    out = run("recover", "a.npy").succeeds()
    assert out == b"rows before     10\nrows            10\nremoved bytes   0\n", out
    assert os.stat("a.npy").st_mtime_ns == before.st_mtime_ns
    b = np.asfortranarray(np.arange(30.0).reshape(3, 10))
    write("b.npy", npy_bytes(np.asfortranarray(b[:, :4]))[:128] + npy_bytes(b)[128:-1])
    assert recover("b.npy") == {"path": "b.npy", "rows_before": 4, "rows": 9, "removed_bytes": 23}
    is_same("b.npy", b[:, :9])


def recover_refused():
    two = npy_bytes(np.zeros(3)) * 2
    write("a.npy", two)
    run("recover", "a.npy").fails(1, "a.npy: ", "another NPY").says_nothing()
    assert contents("a.npy") == two
    write("a.npy", two[:100])
    run("recover", "a.npy").fails(1, "a.npy: ").says_nothing()
    np.save("one.npy", 1.0)
    run("recover", "one.npy").fails(1, "one.npy: ", "axis that can grow").says_nothing()
    run("recover", "none.npy").fails(1, "none.npy: ", "No such file").says_nothing()


def options():
    np.save("a.npy", np.zeros(3))
    for option, bad in [("--order", ("", "c", "A")), ("--durability", ("", "each_block", "NONE")),
                        ("--full-header", ("", "no"))]:
        for text in bad:
            run("append", "a.npy", "a.npy", option, text).fails(2, f"npymap: {option}: ", f"found '{text}'").says_nothing()
    run("append", "a.npy").fails(2, "SRC is required").says_nothing()
    run("append").fails(2, "is required").says_nothing()
    run("append", "a.npy", "").fails(2, "expected the name of a file").says_nothing()
    run("append", "a.npy", "a.npy", "", "a.npy").fails(2, "expected the name of a file").says_nothing()
    run("append", "a.npy", "a.npy", "--bogus").fails(2, "unknown option '--bogus'").says_nothing()
    run("recover", "a.npy", "b.npy").fails(2, "unexpected argument 'b.npy'").says_nothing()
    assert contents("a.npy") == npy_bytes(np.zeros(3))
    for option in "--order", "--durability", "--full-header", "--header-limit", "--json":
        assert option.encode() in run("append", "--help").succeeds()
    result = run("append", "a.npy", "a.npy", "--progress")
    assert result.code == 0 and b"100%" in result.err, result.err


globals()[test]()
