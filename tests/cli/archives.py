# What the tool promises of archives, against NumPy and Python's zipfile.
import json
import os
import pickle
import signal
import struct
import time
import zipfile


def members(path):
    return json.loads(run("info", path, "--json").succeeds())["members"]


def random_archive(path, most=4):
    arrays = {name: random_array() for name in ["x", "日", "a:b", "in/folder"][: py.randrange(1, most + 1)]}
    (np.savez_compressed if py.random() < 0.5 else np.savez)(path, **arrays)
    return arrays


def add_member(path, name, data, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "a") as z:
        z.writestr(name, data, method)


def listed(value):
    return [listed(v) if isinstance(v, (list, tuple)) else v for v in value] if isinstance(value, (list, tuple)) else value


# info


def archive_info_json():
    for _ in range(20):
        arrays = random_archive("a.npz")
        if py.random() < 0.5:
            add_member("a.npz", "notes.txt", b"hello", zipfile.ZIP_DEFLATED)
        with zipfile.ZipFile("a.npz") as z:
            infos = z.infolist()
        out = run("info", "a.npz", "--json").succeeds()
        expected = []
        for one in infos:
            name = one.filename.removesuffix(".npy")
            a = arrays.get(name)
            deflated = one.compress_type == zipfile.ZIP_DEFLATED
            facts = {"dtype": None, "shape": None, "fortran_order": None, "data_offset": None}
            if a is not None:
                facts = {"dtype": listed(np.lib.format.dtype_to_descr(a.dtype)), "shape": list(a.shape),
                         "fortran_order": bool(a.flags.fnc), "data_offset": None}
                if not deflated:
                    with open("a.npz", "rb") as f:
                        f.seek(one.header_offset + 26)
                        lengths = struct.unpack("<HH", f.read(4))
                    facts["data_offset"] = one.header_offset + 30 + sum(lengths) + one.file_size - a.nbytes
            expected.append({"name": name, "file": one.filename, "method": "deflated" if deflated else "stored",
                             "compressed_bytes": one.compress_size, "uncompressed_bytes": one.file_size, **facts})
        whole = {"path": "a.npz", "format": "npz", "members": expected}
        assert out == json.dumps(whole).encode() + b"\n", (out, whole)


def archive_info_text():
    np.savez("a.npz", x=np.zeros((3, 4)), long_name=np.asfortranarray(np.zeros((2, 3), ">i4")))
    add_member("a.npz", "notes\x1b.txt", b"hello")
    lines = run("info", "a.npz").succeeds().decode().splitlines()
    assert [line.split() for line in lines] == [
        "name dtype shape order method bytes packed".split(),
        ["x", "'<f8'", "(3,", "4)", "C", "stored", "224", "224"],
        ["long_name", "'>i4'", "(2,", "3)", "Fortran", "stored", "152", "152"],
        ["notes\\x1b.txt", "no", "array", "stored", "5", "5"]], lines
    assert len(set(map(len, lines))) == 1, lines
    assert len(run("info", "a.npz:x").succeeds().splitlines()) == 2


def archive_info_of_oddities():
    with zipfile.ZipFile("a.npz", "w") as z:
        z.writestr("x.npy", npy_bytes(np.arange(3)))
        z.writestr("x.npy", npy_bytes(np.arange(4.0)))
        z.writestr("o.npy", npy_bytes(np.array([1, None])))
    found = members("a.npz")
    assert [(m["name"], m["dtype"], m["shape"]) for m in found] == [("x", "<i8", [3]), ("x", "<f8", [4]), ("o", "|O", [2])]
    assert run("dump", "a.npz:x").succeeds() == np.arange(4.0).tobytes()
    run("head", "a.npz:o").fails(1, "a.npz", "Python objects").says_nothing()
    add_member("a.npz", "bad.npy", b"\x93NUMPY\1\0\4\0{}  ")
    result = run("info", "a.npz", "--json").fails(1, "a.npz:bad.npy")
    assert [m["dtype"] for m in json.loads(result.out)["members"]] == ["<i8", "<f8", "|O", None]
    with zipfile.ZipFile("empty.npz", "w"):
        pass
    assert members("empty.npz") == []
    run("head", "empty.npz").fails(1, "empty.npz", "without").says_nothing()
    run("verify", "empty.npz").succeeds()


# Which member


def archive_names():
    np.savez("a.npz", x=np.arange(3), y=np.arange(4.0))
    os.mkdir("d:e")
    np.savez("d:e/a:b.npz", **{"k:l": np.arange(5)})
    os.link("a.npz", "a.npy")  # bytes tell, not names
    for words in (["a.npz:x"], ["a.npz:x.npy"], ["a.npz", "--member", "x"], ["a.npz", "--member=x.npy"], ["a.npy:x"]):
        for command in ("dump", "head", "stats", "hist", "info", "verify"):
            run(command, *words).succeeds()
        assert run("dump", *words).succeeds() == np.arange(3).tobytes()
    for words in (["d:e/a:b.npz:k:l"], ["d:e/a:b.npz"], ["d:e/a:b.npz", "--member", "k:l"]):
        assert run("dump", *words).succeeds() == np.arange(5).tobytes()
    np.save("a.npz:x", np.arange(9))
    os.rename("a.npz:x.npy", "a.npz:x")
    assert run("dump", "a.npz:x").succeeds() == np.arange(9).tobytes()
    assert run("dump", "a.npz", "--member", "x").succeeds() == np.arange(3).tobytes()
    np.save("i.npy", np.arange(3))
    for command in ("head", "dump", "stats", "hist"):
        run(command, "a.npz").fails(1, "a.npz: --member", "'x', 'y'").says_nothing()
        run(command, "a.npz:z").fails(1, "a.npz", "'x', 'y'", "'z'").says_nothing()
        run(command, "i.npy:x").fails(1, "i.npy:x", "archive").says_nothing()
        run(command, "no.npz:x").fails(1, "no.npz:x", "No such file").says_nothing()
    run("convert", "a.npz", "o.npy").fails(1, "a.npz: --member")
    add_member("a.npz", "notes", b"hello")
    run("head", "a.npz:notes").fails(1, "a.npz:notes").says_nothing()


# Elements


def archive_elements():
    for _ in range(25):
        for name, a in random_archive("a.npz").items():
            key = f"a.npz:{name}"
            np.save("a.npy", a)
            assert run("dump", key).succeeds() == run("dump", "a.npy").succeeds(), (a.dtype, a.shape)
            assert run("head", key).succeeds() == run("head", "a.npy").succeeds()
            text = ",".join(py.choice(["::-1", "1:", "::2", ":-1"]) for _ in range(a.ndim)) or "..."
            assert run("dump", key, "--slice", text).succeeds() == run("dump", "a.npy", "--slice", text).succeeds()
            for command in (["stats"], ["stats", "--json"], ["hist", "--bins", 4]):
                one, other = (run(*command, path) for path in (key, "a.npy"))
                assert (one.code, one.out) == (other.code, other.out), (one.err, other.err)
                if one.code == 1:
                    one.fails(1, "a.npz")
            run("convert", key, "o.npy").succeeds()
            run("convert", "a.npy", "p.npy").succeeds()
            with open("o.npy", "rb") as o, open("p.npy", "rb") as p:
                assert o.read() == p.read()


def archive_streams():
    """Memory stays far below a member that is compressed."""
    a = np.zeros((40_000, 1000))
    a[::7, 3] = 1
    a[-1] = 2
    np.savez_compressed("c.npz", x=a)
    np.savez_compressed("f.npz", x=np.asfortranarray(a))
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_DATA, (200 << 20,) * 2)}
    os.mkdir("tmp")
    limit["env"] = dict(os.environ, TMPDIR=os.path.abspath("tmp"))
    assert run("dump", "c.npz", **limit).succeeds() == a.tobytes()
    assert run("dump", "f.npz", "--slice", "::-5000", **limit).succeeds() == a[::-5000].tobytes()
    assert run("dump", "c.npz", "--slice", "-1", **limit).succeeds() == a[-1].tobytes()
    head = run("head", "c.npz", **limit).succeeds()
    assert head == run("head", "f.npz", **limit).succeeds() and head.count(b"\n") == 7
    for path in ("c.npz", "f.npz"):
        found = json.loads(run("stats", path, "--json", "--memory", "64MiB", "--threads", 2, **limit).succeeds())
        assert found["sum"] == a.sum()
        run("hist", path, "--memory", "64MiB", "--threads", 2, **limit).succeeds()
        run("verify", path, **limit).succeeds()
    run("convert", "f.npz", "o.npz", "--order", "C", "--level", 1, "--dtype", "<f4", "--memory", "64MiB", **limit).succeeds()
    assert np.array_equal(np.load("o.npz")["x"], a)
    assert os.listdir("tmp") == []
    run("dump", "f.npz", env=dict(os.environ, TMPDIR="/nowhere")).fails(1, "/nowhere", "No such file")


def archive_large_members():
    """What goes by way of a file in TMPDIR is taken and refused as what does not."""
    record = np.dtype([(f"f{i}", "<f4") for i in range(1000)])
    a = np.zeros(20_000, record)
    a["f3"] = np.arange(20_000)
    np.savez_compressed("wide.npz", x=a)
    limit = ["--header-limit", 1 << 20]
    assert run("dump", "wide.npz", "--slice", "7:9", *limit).succeeds() == a[7:9].tobytes()
    run("convert", "wide.npz", "o.npy", *limit).succeeds()
    run("convert", "o.npy", "o.npz", "--order", "F", "--dtype", str([(name, ">f4") for name in record.names]), *limit).succeeds()
    run("dump", "wide.npz", "--slice", "7:9").fails(1, "wide.npz:x.npy", "10000")
    np.save("a.npy", np.arange(10))
    data = open("a.npy", "rb").read()
    add_member("small.npz", "x.npy", data + bytes(1000), zipfile.ZIP_DEFLATED)
    add_member("large.npz", "x.npy", data + bytes(100 << 20), zipfile.ZIP_DEFLATED)
    for path in ("small.npz", "large.npz"):
        for words in (["dump", path, "--slice", "0"], ["dump", path], ["head", path], ["stats", path], ["convert", path, "p.npy"]):
            run(*words, env=dict(os.environ, TMPDIR="/nowhere")).fails(1, f"{path}:x.npy", "as its header says")
    assert not os.path.exists("p.npy")


def archive_convert():
    np.save("a.npy", np.asfortranarray(np.arange(12.0).reshape(3, 4)))
    run("convert", "a.npy", "o.npz").succeeds()
    run("convert", "a.npy", "p.npz", "--member", "x", "--level", 6, "--dtype", ">i2", "--casting", "unsafe").succeeds()
    with np.load("o.npz") as o, np.load("p.npz") as p:
        assert list(o) == ["arr_0"] and list(p) == ["x"]
        assert np.array_equal(o["arr_0"], np.load("a.npy")) and o["arr_0"].flags.fnc
        assert p["x"].dtype == np.dtype(">i2") and np.array_equal(p["x"], np.load("a.npy"))
    assert members("p.npz")[0]["method"] == "deflated"
    run("convert", "p.npz:x.npy", "q.npz", "--order", "C").succeeds()
    assert [(m["name"], m["fortran_order"]) for m in members("q.npz")] == [("x", False)]
    run("convert", "q.npz", "q.npz", "--level", 1).succeeds()  # into itself
    with np.load("q.npz") as q:
        assert np.array_equal(q["x"], np.load("a.npy"))
    run("convert", "a.npy", "o.npy", "--level", 6).fails(2, "--level").says_nothing()
    run("convert", "a.npy", "o.npy", "--member", "x").fails(1, "a.npy:x", "archive")
    for level in ("0", "13", "x", ""):
        run("convert", "a.npy", "o.npz", "--level", level).fails(2, "--level").says_nothing()
    before = open("o.npz", "rb").read()
    run("convert", "a.npy", "o.npz", "--dtype", "<i2").fails(1, "casting")
    assert open("o.npz", "rb").read() == before and sorted(os.listdir()) == ["a.npy", "o.npz", "p.npz", "q.npz"]


# verify


def archive_verify():
    arrays = random_archive("a.npz")
    found = json.loads(run("verify", "a.npz", "--json").succeeds())
    assert (found["path"], found["format"], found["ok"]) == ("a.npz", "npz", True)
    assert [(c["check"], c.get("file"), c["verdict"]) for c in found["checks"]] == [("directory", None, "ok")] + [
        ("member", name + ".npy", "ok") for name in arrays]
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile("b.npz", "w", method) as z:
            for name in ("good", "bad", "also"):
                z.writestr(name + ".npy", npy_bytes(np.arange(100)))
            z.writestr("short.npy", npy_bytes(np.arange(100))[:-1])
            at = z.getinfo("bad.npy").header_offset
            size = z.getinfo("bad.npy").compress_size
        data = bytearray(open("b.npz", "rb").read())
        data[at + 30 + len("bad.npy") + size - 9] ^= 1
        write("b.npz", data)
        result = run("verify", "b.npz", "--json").fails(1, "b.npz:bad.npy")
        found = json.loads(result.out)
        assert not found["ok"]
        assert [c["verdict"] for c in found["checks"]] == ["ok", "ok", "defect", "ok", "defect"], found
        assert "bad.npy" in found["checks"][2]["detail"] and "(at byte" in found["checks"][2]["detail"], found
        assert run("verify", "b.npz").fails(1).out.decode().count("defect") == 2
        run("verify", "b.npz:good").succeeds()
        run("verify", "b.npz:short").fails(1, "b.npz:short.npy")
    data = open("a.npz", "rb").read()
    write("cut.npz", data[:-30])
    result = run("verify", "cut.npz", "--json").fails(1, "cut.npz")
    assert [(c["check"], c["verdict"]) for c in json.loads(result.out)["checks"]] == [("directory", "defect")]
    for command in ("info", "head", "dump", "stats"):
        run(command, "cut.npz").fails(1, "cut.npz").says_nothing()


def archive_hostile():
    for _ in range(40):
        random_archive("a.npz")
        data = bytearray(open("a.npz", "rb").read())
        for _ in range(py.randrange(1, 4)):
            place = py.randrange(4, len(data))
            data[place] = py.choice([data[place] ^ (1 << py.randrange(8)), 0, 255, *b"'(,){}09-<>UPK"])
        write("a.npz", data)
        for words in (["info"], ["head"], ["dump"], ["stats"], ["verify"], ["unpack", "out", "--force"]):
            result = run(words[0], "a.npz", *words[1:])
            if result.code == 0:
                assert result.err == b"", result.err
            else:
                result.fails(1)


# pack


def pack_random():
    for level in ([], ["--level", 1], ["--level", 6], ["--level", 12]):
        arrays = {name: random_array() for name in ("x", "日", "in/folder", "a b")}
        words = []
        for i, (name, a) in enumerate(arrays.items()):
            np.save(f"{i}.npy", a)
            words.append(f"{name}=./{i}.npy")
        np.save("stem=.npy", np.arange(3))
        out = run("pack", "a.npz", *words, "plain=stem=.npy", "0.npy", *level, "--json").succeeds()
        assert out == run("info", "a.npz", "--json").succeeds()
        arrays.update({"plain": np.arange(3), "0": arrays["x"]})
        with zipfile.ZipFile("a.npz") as z:
            assert z.testzip() is None
            assert z.namelist() == [name + ".npy" for name in arrays]
            assert all(i.compress_type == (zipfile.ZIP_DEFLATED if level else zipfile.ZIP_STORED) for i in z.infolist())
        with np.load("a.npz") as z:
            for name, a in arrays.items():
                b = z[name]
                assert b.dtype == a.dtype and b.shape == a.shape, name
                assert b.flags.fnc == a.flags.fnc or a.itemsize == 0  # where NumPy forgets it too
        with zipfile.ZipFile("a.npz") as z:
            for i, (name, a) in enumerate(list(arrays.items())[:4]):  # as bytes, for NumPy copies no padding
                data = open(f"{i}.npy", "rb").read()
                member = z.read(name + ".npy")
                assert member[len(member) - a.nbytes:] == data[len(data) - a.nbytes:], (name, a.dtype)
        run("verify", "a.npz").succeeds()


def pack_large():
    """In pieces, in either order, in bounded memory; elements of what is stored are aligned."""
    a = np.arange(30_000_000, dtype="<i4").reshape(3000, 10_000)
    np.save("c.npy", a)
    np.save("f.npy", np.asfortranarray(a))
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_DATA, (250 << 20,) * 2)}
    for level in ([], ["--level", 1, "--threads", 2]):
        run("pack", "a.npz", "c.npy", "f.npy", *level, **limit).succeeds()
        with np.load("a.npz") as z:
            assert np.array_equal(z["c"], a) and np.array_equal(z["f"], a)
            assert z["c"].flags.c_contiguous and z["f"].flags.f_contiguous
        for m in members("a.npz"):
            assert m["data_offset"] is None if level else m["data_offset"] % 64 == 0


def pack_failures():
    np.save("a.npy", np.arange(3))
    np.save("o.npy", np.array([None]))
    write("bad.npy", b"nothing")
    write("a.npz", b"before")
    for words in (["a.npy", "bad.npy"], ["a.npy", "no.npy"], ["a.npy", "o.npy"]):
        run("pack", "a.npz", *words).fails(1, words[1]).says_nothing()
    for words in (["a.npy", "a.npy"], ["x=a.npy", "x=a.npy"], ["=a.npy"], ["x="], [], [".npy"]):
        run("pack", "a.npz", *words).fails(2).says_nothing()
    run("pack", "a.npy", "a.npy").fails(2, "OUT", ".npz").says_nothing()
    assert open("a.npz", "rb").read() == b"before"
    assert sorted(os.listdir()) == ["a.npy", "a.npz", "bad.npy", "o.npy"]


def pack_members():
    """Of archives, stored and compressed, in memory or by way of TMPDIR, and of pickles; into the archive itself."""
    x, y = np.arange(12.0).reshape(3, 4), np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3))
    large = np.zeros(9 << 20)
    np.savez("a.npz", x=x, y=y)
    np.savez_compressed("b.npz", **{"in/folder": y, "large": large})
    with open("c.pkl", "wb") as file:
        pickle.dump({"w": x}, file, protocol=4)
    os.mkdir("tmp")
    run("pack", "o.npz", "a.npz:x", "y=a.npz:y.npy", "./b.npz:in/folder", "b.npz:large.npy", "w=c.pkl:$['w']", "only=c.pkl",
        env={**os.environ, "TMPDIR": "tmp"}).succeeds()
    assert os.listdir("tmp") == []
    os.rmdir("tmp")
    with np.load("o.npz") as z:
        assert z.files == ["x", "y", "in/folder", "large", "w", "only"], z.files
        for name, a in {"x": x, "y": y, "in/folder": y, "large": large, "w": x, "only": x}.items():
            assert z[name].dtype == a.dtype and np.array_equal(z[name], a), name
        assert z["y"].flags.f_contiguous and z["in/folder"].flags.f_contiguous
    run("pack", "o.npz", "o.npz:x", "z=o.npz:y").succeeds()
    with np.load("o.npz") as z:
        assert z.files == ["x", "z"] and np.array_equal(z["x"], x) and np.array_equal(z["z"], y)
    before = open("o.npz", "rb").read()
    damaged = bytearray(open("a.npz", "rb").read())
    damaged[damaged.index(x.tobytes()) + 9] ^= 1
    write("bad.npz", damaged)
    for name, words in [("bad.npz:x", "CRC"), ("a.npz:no", "out of 2"), ("a.npz", "FILE:member: expected one of 'x', 'y'"), ("c.pkl:$[0]", "$['w']")]:
        run("pack", "o.npz", "x=a.npz:x", "z=" + name).fails(1, name.partition(":")[0]).says_nothing()
    run("pack", "o.npz", "a.npz:x", "b.npz:x").fails(2, "names that differ").says_nothing()
    run("pack", "o.npz", "a.npz:../x").fails(2, "below a folder").says_nothing()
    assert open("o.npz", "rb").read() == before
    assert sorted(os.listdir()) == ["a.npz", "b.npz", "bad.npz", "c.pkl", "o.npz"]


def interrupted(words, left):
    for number in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen([tool, *words, "--progress"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stderr.read(1)  # of the bar: it is under way
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == -number, process.returncode
        assert sorted(os.listdir()) == left, os.listdir()


def pack_interrupted():
    sparse("big.npy", (1 << 28,))
    write("a.npz", b"before")
    interrupted(["pack", "a.npz", "big.npy", "--level", "12"], ["a.npz", "big.npy"])
    interrupted(["convert", "big.npy", "a.npz", "--level", "12"], ["a.npz", "big.npy"])
    assert open("a.npz", "rb").read() == b"before"


# unpack


def files_below(folder):
    return sorted(os.path.relpath(os.path.join(at, f), folder) for at, _, files in os.walk(folder) for f in files)


def unpack_random():
    for i in range(15):
        random_archive("a.npz")
        add_member("a.npz", "notes/é.txt", b"hello", zipfile.ZIP_DEFLATED)
        add_member("a.npz", "empty/folder/", b"")
        to = f"out{i}"
        found = json.loads(run("unpack", "a.npz", to, "--json").succeeds())
        with zipfile.ZipFile("a.npz") as z:
            names = sorted(name for name in z.namelist() if not name.endswith("/"))
            assert files_below(to) == names
            assert sorted(f["file"] for f in found["files"]) == names
            for name in names:
                assert open(os.path.join(to, name), "rb").read() == z.read(name)
        assert os.path.isdir(to + "/empty/folder")
        assert (found["path"], found["folder"]) == ("a.npz", to)
    assert oct(os.stat("out0/notes/é.txt").st_mode & 0o777) == oct(0o666 & ~umask())


def umask():
    old = os.umask(0)
    os.umask(old)
    return old


def unpack_twice():
    with zipfile.ZipFile("a.npz", "w") as z:
        z.writestr("x.npy", npy_bytes(np.arange(3)))
        z.writestr("x.npy", npy_bytes(np.arange(4)))
    run("unpack", "a.npz", "out").succeeds()
    assert np.array_equal(np.load("out/x.npy"), np.arange(4))
    with zipfile.ZipFile("a.npz", "w") as z:
        z.writestr("new.npy", npy_bytes(np.arange(1)))
        z.writestr("x.npy", npy_bytes(np.arange(5)))
    run("unpack", "a.npz", "out").fails(1, "out/x.npy", "--force", "File exists").says_nothing()
    assert files_below("out") == ["x.npy"] and np.load("out/x.npy").size == 4
    run("unpack", "a.npz", "out", "--force").succeeds()
    assert files_below("out") == ["new.npy", "x.npy"] and np.load("out/x.npy").size == 5


def unpack_unsafe():
    bad = ["/etc/x", "../x", "a/../../x", "a//x", "./x", "a/./x", "..", ".", "a\\x", "..\\x", "a/..", "//", "/"]
    for name in bad:
        with zipfile.ZipFile("a.npz", "w") as z:
            z.writestr("good.npy", npy_bytes(np.arange(3)))
            z.writestr(name, b"" if name.endswith("/") else b"bad")
        run("unpack", "a.npz", "out").fails(1, "a.npz").says_nothing()
        assert os.listdir() == ["a.npz"], (name, os.listdir())
    for names in (["a", "a/b"], ["a/b", "a"], ["a", "a/"]):
        with zipfile.ZipFile("a.npz", "w") as z:
            for name in names:
                z.writestr(name, b"")
        run("unpack", "a.npz", "out").fails(1, "a.npz", "folder").says_nothing()
        assert os.listdir() == ["a.npz"]


def unpack_links():
    with zipfile.ZipFile("a.npz", "w") as z:
        z.writestr("d/x.npy", npy_bytes(np.arange(3)))
        z.writestr("y.npy", npy_bytes(np.arange(3)))
    os.mkdir("elsewhere")
    os.mkdir("out")
    write("target", b"mine")
    os.symlink("../elsewhere", "out/d")
    for force in ([], ["--force"]):
        run("unpack", "a.npz", "out", *force).fails(1, "out/d", "Not a directory").says_nothing()
        assert os.listdir("elsewhere") == []
    os.remove("out/d")
    np.savez("b.npz", y=np.arange(3))
    for target in ("../target", "../nowhere"):
        if os.path.lexists("out/y.npy"):
            os.remove("out/y.npy")
        os.symlink(target, "out/y.npy")
        run("unpack", "b.npz", "out").fails(1, "out/y.npy", "File exists").says_nothing()
        run("unpack", "b.npz", "out", "--force").succeeds()
        assert not os.path.islink("out/y.npy") and np.load("out/y.npy").size == 3
    assert open("target", "rb").read() == b"mine" and not os.path.exists("nowhere")
    os.symlink("elsewhere", "link")  # DIR itself is the caller's word
    run("unpack", "a.npz", "link").succeeds()
    assert files_below("elsewhere") == ["d/x.npy", "y.npy"]


def unpack_failures():
    np.savez("a.npz", x=np.arange(100), y=np.arange(100))
    data = bytearray(open("a.npz", "rb").read())
    at = zipfile.ZipFile("a.npz").getinfo("y.npy").header_offset
    data[at + 250] ^= 1
    write("a.npz", data)
    run("unpack", "a.npz", "out").fails(1, "a.npz:y.npy")
    assert files_below("out") == ["x.npy"]
    run("unpack", "a.npz", "no/where").fails(1, "no/where", "No such file")
    run("unpack", "a.npz", "a.npz").fails(1, "a.npz", "Not a directory")
    write("x.npy", npy_bytes(np.arange(3)))
    run("unpack", "x.npy", "new").fails(1, "x.npy")
    assert not os.path.exists("new")
    run("unpack", "a.npz").fails(2)
    run("unpack", "a.npz", "").fails(2)


def unpack_interrupted():
    sparse("big.npy", (1 << 26,))
    run("pack", "a.npz", *(f"m{i}=big.npy" for i in range(4))).succeeds()
    os.mkdir("out")
    process = subprocess.Popen([tool, "unpack", "a.npz", "out", "--progress"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stderr.read(1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    for name in os.listdir("out"):
        assert not name.startswith(".") and os.path.getsize("out/" + name) == os.path.getsize("big.npy"), name


def interrupted_in_member():
    sparse("big.npy", (1 << 28,))
    run("pack", "a.npz", "big.npy", "--level", "1").succeeds()
    os.remove("big.npy")
    os.mkdir("out")
    interrupted(["unpack", "a.npz", "out"], ["a.npz", "out"])
    assert os.listdir("out") == []
    interrupted(["verify", "a.npz"], ["a.npz", "out"])


def archive_folders():
    """Members without bytes are no arrays, and no defects."""
    os.makedirs("d")
    np.save("d/x.npy", np.arange(3))
    with zipfile.ZipFile("a.npz", "w") as z:
        for name in ("d/", "d/x.npy"):
            z.write(name)
        z.writestr("d/readme.txt", "")
    assert [m["dtype"] for m in json.loads(run("info", "a.npz", "--json").succeeds())["members"]] == [None, "<i8", None]
    run("verify", "a.npz").succeeds()
    assert run("head", "a.npz").succeeds() == b"[0 1 2]\n"
    run("unpack", "a.npz", "out").succeeds()
    assert files_below("out") == ["d/readme.txt", "d/x.npy"]


def unpack_deep():
    """Names that no system takes, or only at a price, are refused before anything is written."""
    for name in ("d/" * 129 + "x", "d" * 4096, "/".join("d" * 255 for _ in range(16)) + "/x"):
        with zipfile.ZipFile("a.npz", "w") as z:
            z.writestr("first", "1")
            z.writestr(name, "2")
        run("unpack", "a.npz", "out").fails(1, "128 folders")
        assert files_below("out") == [] if os.path.exists("out") else True
    with zipfile.ZipFile("a.npz", "w") as z:
        z.writestr("d/" * 128 + "x", "1")
        z.writestr("d/" * 64 + "y", "2")
        z.writestr("d/e/f/", "")
    run("unpack", "a.npz", "out").succeeds()
    assert open("out/" + "d/" * 128 + "x").read() == "1" and os.path.isdir("out/d/e/f")
    for names in (("a", "a/b"), ("a/b/", "a"), ("a/b/c", "a/b")):
        with zipfile.ZipFile("a.npz", "w") as z:
            for name in names:
                z.writestr(name, "")
        run("unpack", "a.npz", "new").fails(1, "folder")


def convert_checks():
    """A damaged member does not become a file that looks sound."""
    np.savez("a.npz", x=np.arange(1000))
    data = bytearray(open("a.npz", "rb").read())
    data[3000] ^= 1
    write("a.npz", bytes(data))
    for out in ("o.npy", "o.npz"):
        run("convert", "a.npz", out).fails(1, "a.npz:x.npy", "CRC-32")
        assert not os.path.exists(out)


def convert_keeps():
    np.savez("one.npz", w=np.arange(3))
    run("convert", "one.npz", "two.npz").succeeds()
    run("convert", "one.npz", "one.npz", "--dtype", "<f4").succeeds()
    for name in ("one.npz", "two.npz"):
        assert list(np.load(name)) == ["w"]
    np.savez("many.npz", a=np.arange(3), b=np.arange(4))
    before = open("many.npz", "rb").read()
    os.symlink("many.npz", "link.npz")
    for out in ("many.npz", "link.npz", "./many.npz"):
        run("convert", "many.npz:a", out).fails(1, "other members")
    assert open("many.npz", "rb").read() == before
    np.save("one.npy", np.arange(3))
    for name in ("../x", "/x", "a//b", "a\\b", "./x", ".."):
        run("pack", "p.npz", name + "=one.npy").fails(2, "below a folder")
        run("convert", "one.npy", "p.npz", "--member", name).fails(2, "--member: ", "below a folder")
    run("convert", "one.npy", "p.npz", "--member", "").fails(2, "--member: ")
    run("convert", "one.npy", "p.npz", "--member", ".npy").fails(2, "--member: ")
    assert not os.path.exists("p.npz")


def convert_names():
    """As it is typed, with or without .npy, whatever it is converted from."""
    a = np.arange(6.0).reshape(2, 3)
    np.save("a.npy", a)
    np.savetxt("a.csv", a, delimiter=",")
    for name in "a.npy", "a.csv":
        for member in "x", "x.npy", "d/é":
            run("convert", name, "o.npz", "--member", member).succeeds()
            with np.load("o.npz") as o:
                assert list(o) == [member.removesuffix(".npy")] and np.array_equal(o[member.removesuffix(".npy")], a)
            run("unpack", "o.npz", "out", "--force").succeeds()
            run("pack", "p.npz", member + "=a.npy").succeeds()
            assert [m["file"] for m in members("o.npz")] == [m["file"] for m in members("p.npz")]


def archive_progress():
    np.savez_compressed("a.npz", x=np.arange(1000))
    np.save("a.npy", np.arange(1000))
    for words in (["dump", "a.npz"], ["stats", "a.npz"], ["hist", "a.npz"], ["verify", "a.npz"], ["convert", "a.npz", "o.npz"],
                  ["pack", "p.npz", "a.npy"], ["unpack", "a.npz", "out", "--force"]):
        result = run(*words, "--progress")
        assert result.code == 0 and b"100%" in result.err, (words, result.err)
        run(*words, "--no-progress").succeeds()


globals()[test]()
