"""What the tool does with text and pickles; after tool_support.py."""
import bz2
import gzip
import json
import lzma
import os
import pickle
import shlex
import zlib


def write(name, data):
    with open(name, "wb") as f:
        f.write(data)


def text_in():
    a = np.round(np.random.default_rng(7).normal(size=(40, 3)), 6)
    np.savetxt("a.csv", a, delimiter=",", header="x,y,z")
    np.savetxt("a.txt", a)
    with gzip.open("a.tsv.gz", "wt") as f:
        np.savetxt(f, a, delimiter="\t")
    np.save("a.npy", a)
    head = run("head", "a.npy", "--rows", 4).succeeds()
    stats = run("stats", "a.npy", "--json").succeeds()
    for name in ("a.csv", "a.txt", "a.tsv.gz"):
        info = json.loads(run("info", name, "--json").succeeds())
        assert info["format"] == "text" and info["columns"] == 3, info
        assert run("head", name, "--rows", 4).succeeds() == head
        assert run("stats", name, "--json").succeeds() == stats
        assert run("dump", name).succeeds() == a.tobytes()
        run("convert", name, "b.npy").succeeds()
        assert np.array_equal(np.load("b.npy"), a)
        run("verify", name).succeeds()
    big = np.array([[2**53 + 1, -1]])
    np.savetxt("i.txt", big, fmt="%d")
    run("convert", "i.txt", "i.npy", "--dtype", "<i8").succeeds()
    assert np.array_equal(np.load("i.npy"), big[0])
    write("w.dat.txt", b"name;n\nVega;3\n")
    run("convert", "w.dat.txt", "w.npy", "--delimiter", ";", "--skip-rows", 1, "--read-as", "[('name', '<U8'), ('n', '<i4')]").succeeds()
    assert np.load("w.npy").tolist() == ("Vega", 3)
    write("plain.dat", b"1 2\n3 4\n")
    run("head", "plain.dat").fails(1, "of text")
    for how in (["--read-as", "<f8"], ["--delimiter", " "], ["--skip-rows", 0, "--delimiter", ""]):
        assert run("head", "plain.dat", *how).succeeds() == b"[[1. 2.]\n [3. 4.]]\n", how
    write("names.csv", b"x,y\n1,2\n")
    for command in (["head"], ["stats"], ["convert", "--order", "C"]):
        out = ["o.npy"] if command[0] == "convert" else []
        run(*command, "names.csv", *out).fails(1, "line 1, column 1", "--skip-rows 1", "'x'").says_nothing()
    assert run("head", "names.csv", "--skip-rows", 1).succeeds() == b"[1. 2.]\n"
    write("bad.txt", b"1 2\n3 x\n")
    run("convert", "bad.txt", "o.npy").fails(1, "line 2, column 2", "'x'")
    run("verify", "bad.txt").fails(1, "line 2, column 2")
    assert not os.path.exists("o.npy")


STARS = b'name,parallax,mag\nVega,0.13,0.03\n"Sirius, A",NA,-1.46\nDeneb,,1.25\n'
HOW = ["--skip-rows", 1, "--use-columns", "1,-1", "--missing", "NA"]


def text_columns():
    write("stars.csv", STARS)
    with gzip.open("stars.dat", "wb") as f:
        f.write(STARS)
    a = np.array([[0.13, 0.03], [np.nan, -1.46], [np.nan, 1.25]])
    np.save("a.npy", a)
    for name, how in ("stars.csv", HOW), ("stars.dat", HOW + ["--delimiter", ","]):
        assert json.loads(run("info", name, "--json", *how).succeeds())["columns"] == 2
        assert run("head", name, *how, "--rows", 2).succeeds() == run("head", "a.npy", "--rows", 2).succeeds()
        assert run("dump", name, *how).succeeds() == a.tobytes()
        for command in ["stats", "--json"], ["stats", "--axis=0"], ["hist", "--bins=3"]:
            assert run(*command, name, *how).succeeds() == run(*command, "a.npy").succeeds()
        run("convert", name, "b.npy", *how, "--dtype=<f4").succeeds()
        assert np.array_equal(np.load("b.npy"), a.astype("f4"), equal_nan=True)
        run("verify", name, *how).succeeds()
    assert run("head", "stars.csv", "--skip-rows", 1, "--use-columns", -1).succeeds() == b"[ 0.03 -1.46  1.25]\n"
    run("head", "stars.csv", "--skip-rows", 1, "--use-columns", "1,-1").fails(1, "line 3, column 2", "'NA'")
    run("head", "stars.csv", *HOW, "--use-columns", "0,3").fails(1, "line 2", "column 3")
    run("stats", "stars.csv", "--use-columns", "1,-1", "--missing", "NA").fails(1, "line 1, column 2", "--skip-rows 1")
    for columns in "", ",", "1,", "a", "1;2", "1, 2", "+1", "9" * 20:
        run("head", "stars.csv", "--use-columns", columns).fails(2, "--use-columns: ", "1,-1", f"'{columns}'").says_nothing()
    run("head", "stars.csv", "--missing").fails(2, "--missing: a value is missing")
    # Each word is one, whatever stands in it and behind it; none at all is an empty field.
    write("w.dat", b"[a,b];1\n2;\n;n/a\n")
    words = ["--missing", "[a,b]", "--missing=n/a"]
    assert run("dump", "--delimiter=;", *words, "w.dat").succeeds() == np.array([[np.nan, 1], [2, np.nan], [np.nan, np.nan]]).tobytes()
    write("e.csv", b"1,\n,2\n")
    assert run("dump", "--read-as", "i4", "--missing", "", "e.csv").succeeds() == np.array([[1, -1], [-1, 2]], "i4").tobytes()
    run("dump", "e.csv").fails(1, "line 1, column 2")


def readme():
    with open(sys.argv[5]) as f:
        text = f.read()
    write("stars.csv", eval("b" + re.search(r'fputs\(("name,.*"), to\)', text)[1]))
    commands = re.findall(r"^\$ npymap (.* stars\.csv .*)$", text, re.M)
    assert commands
    for command in commands:
        run(*shlex.split(command)).succeeds()
    x = np.load("stars.npy")
    assert x.dtype == "<f4" and np.array_equal(x, np.array([[0.13, 0.03], [np.nan, -1.46]], "f4"), equal_nan=True), x


def text_options_elsewhere():
    a = np.arange(6.0).reshape(2, 3)
    np.save("a.npy", a)
    np.savez("a.npz", a=a)
    with open("a.pkl", "wb") as f:
        pickle.dump(a, f, 4)
    for name, found in ("a.npy", "an .npy file"), ("a.npz", "an archive"), ("a.pkl", "a pickle"):
        for option in ["--skip-rows", 1], ["--read-as", "<f4"], ["--use-columns", 0], ["--missing", "NA"], ["--delimiter", ","]:
            for command in ["info"], ["head"], ["dump"], ["stats"], ["hist"], ["convert", "b.npy"], ["verify"], ["convert", "b.csv"]:
                if command[-1] == "b.csv" and option[0] == "--delimiter":
                    continue
                result = run(command[0], name, *command[1:], *option)
                result.fails(1, f"npymap: {name}: {option[0]}: expected text, found {found}").says_nothing()
    run("convert", "a.npy", "b.npy", "--format", "%d").fails(2, "--format: ")
    assert not os.path.exists("b.npy") and not os.path.exists("b.csv")


def text_memory():
    a = np.random.default_rng(5).normal(size=(3000, 7))
    np.savetxt("a.csv", a, delimiter=",", fmt="%r")
    np.save("a.npy", a)
    for size in "4096", "64KiB", "1GB":
        for threads in 1, 3:
            how = ["--memory", size, "--threads", threads]
            run("convert", "a.csv", "b.npy", *how).succeeds()
            assert open("b.npy", "rb").read() == open("a.npy", "rb").read()
            run("convert", "a.npy", "b.csv", *how, "--format=%r").succeeds()
            assert open("b.csv", "rb").read() == open("a.csv", "rb").read()
            assert run("stats", "a.csv", *how).succeeds() == run("stats", "a.npy", *how).succeeds()
    write("long.csv", b"1," * (1 << 20) + b"1\n")
    for command in ["stats", "long.csv"], ["hist", "long.csv"], ["convert", "long.csv", "b.npy"]:
        run(*command, "--memory", "1MiB").fails(1, "half of --memory")
        run(*command, "--memory", "64MiB").succeeds()


def text_progress():
    """Of text, reading is the long work."""
    a = np.random.default_rng(9).normal(size=(3000, 7))
    np.savetxt("a.csv", a, delimiter=",")
    for command in ["stats"], ["hist"], ["dump"], ["verify"], ["convert", "b.npy"], ["convert", "b.npy", "--order=F"], ["convert", "b.npz"], ["convert", "b.txt"]:
        command.insert(1, "a.csv")
        run(*command).succeeds()
        run(*command, "--no-progress").succeeds()
        result = run(*command, "--progress")
        size = os.path.getsize("a.csv") / 1024
        assert result.code == 0 and f"100%  {size:.1f} KiB of {size:.1f} KiB".encode() in result.err and result.err.endswith(b"\n"), result.err


def text_goes_straight():
    """To a file of what is read, with no other file beside it: not in TMPDIR, and no copy."""
    a = np.arange(6.0).reshape(2, 3)
    np.savetxt("a.csv", a, delimiter=",", fmt="%d")
    elsewhere = {"env": {**os.environ, "TMPDIR": "/nonexistent"}}
    for how in [], ["--dtype", ">i2"], ["--order", "C"], ["--read-as", "<f4", "--dtype", "<f4"]:
        run("convert", "a.csv", "b.npy", *how, **elsewhere).succeeds()
        b = np.load("b.npy")
        assert np.array_equal(b, a) and b.dtype == (how[-1] if how and "--dtype" in how else "<f8"), how
    before = open("b.npy", "rb").read()
    write("bad.csv", b"1,2\n3,x\n")
    run("convert", "bad.csv", "b.npy", **elsewhere).fails(1, "line 2, column 2")
    assert open("b.npy", "rb").read() == before
    for how in ["--order", "F"], ["--read-as", "<f4", "--dtype", "<f8"]:
        run("convert", "a.csv", "b.npy", *how).succeeds()
        b = np.load("b.npy")
        assert np.array_equal(b, a) and b.dtype == "<f8" and b.flags.f_contiguous == (how[1] == "F")


def text_delimiter():
    a = np.arange(6).reshape(2, 3)
    np.save("a.npy", a)
    np.savez("a.npz", a=a)
    for protocol in 0, 4:
        with open(f"a{protocol}.pkl", "wb") as f:
            pickle.dump(a, f, protocol)
    for typed, written in (";", b";"), ("\\t", b"\t"), (", ", b", "), ("%", b"%"), ("", b" "):
        for name in "a.npy", "a.npz", "a0.pkl", "a4.pkl":
            for out in "b.csv", "b.txt":
                run("convert", name, out, "--delimiter", typed).succeeds()
                assert open(out, "rb").read() == b"0;1;2\n3;4;5\n".replace(b";", written)
    # Of two texts it is of the first, and the second has that of its name.
    write("a.dat", b"0;1;2\n3;4;5\n")
    for out, between in ("b.csv", b","), ("b.tsv", b"\t"), ("b.txt", b" "):
        run("convert", "a.dat", out, "--delimiter", ";", "--dtype", "i8").succeeds()
        assert open(out, "rb").read() == b"0;1;2\n3;4;5\n".replace(b";", between)


def text_out():
    for a in (np.arange(12).reshape(3, 4), np.random.default_rng(3).normal(size=(5, 2)), np.asfortranarray(np.ones((2, 3), "f4"))):
        np.save("a.npy", a)
        run("convert", "a.npy", "a.csv").succeeds()
        np.savetxt("b.csv", a, delimiter=",", fmt="%s")
        assert open("a.csv", "rb").read() == open("b.csv", "rb").read()
        run("convert", "a.npy", "a.txt.gz", "--format", "%.3f", "--order", "C").succeeds()
        assert np.allclose(np.loadtxt("a.txt.gz"), a, atol=1e-3)
    cube = np.arange(24.0).reshape(2, 3, 4)
    np.save("c.npy", cube)
    run("convert", "c.npy", "c.txt").succeeds()
    run("convert", "c.txt", "d.npy").succeeds()
    assert np.array_equal(np.load("d.npy"), cube)
    for format in "%q", "%", "%5", "%(x)d", "%*d":
        run("convert", "c.npy", "c.txt", "--format", format).fails(2, "npymap: --format: expected %", f"'{format}'").says_nothing()
    run("convert", "c.npy", "c.xml").fails(2, ".csv")


def pickles():
    a, b = np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(4).reshape(2, 2))
    for protocol in range(6):
        with open("p.pkl", "wb") as f:
            pickle.dump({"a": a, "l": [b, "text"]}, f, protocol)
        told = json.loads(run("info", "p.pkl", "--json").succeeds())
        assert told["format"] == "pickle"
        assert [(x["name"], x["dtype"], x["shape"]) for x in told["arrays"]] == [("$['a']", "<f8", [2, 3]), ("$['l'][0]", "<i8", [2, 2])]
        assert told["arrays"][1]["fortran_order"] is True
        offset = told["arrays"][0]["data_offset"]
        assert (offset is None) == (protocol < 3)
        if offset is not None:
            assert open("p.pkl", "rb").read()[offset:offset + a.nbytes] == a.tobytes()
        run("info", "p.pkl").succeeds()
        assert run("dump", "p.pkl", "--member", "$['a']").succeeds() == a.tobytes()
        assert run("dump", "p.pkl:$['l'][0]").succeeds() == b.tobytes()
        run("convert", "p.pkl", "o.npy", "--member", "$['l'][0]").succeeds()
        assert np.array_equal(np.load("o.npy"), b)
        run("verify", "p.pkl").succeeds()
        run("head", "p.pkl").fails(1, "$['a']", "$['l'][0]")
    write("lists.pkl", pickle.dumps([a, np.array([1, [2]], dtype=object)]))
    assert b"2 arrays, and nothing that would be run; objects of these are not read: $[1]" in run("verify", "lists.pkl").succeeds()
    write("evil.pkl", b"cposix\nsystem\n(S'touch ran'\ntR.")
    for command in (["info"], ["head"], ["dump"], ["stats"], ["verify"]):
        run(*command, "evil.pkl").fails(1)
    write("evil2.pkl", pickle.dumps(os.system))
    run("info", "evil2.pkl").fails(1, "posix.system refused")
    assert not os.path.exists("ran")
    for packed in (zlib, bz2, lzma, gzip):  # as joblib does
        write("p.joblib", packed.compress(pickle.dumps(a)))
        run("info", "p.joblib").fails(1, "expected a pickle", "not compressed")
    with open("n.pkl", "wb") as f:
        np.save(f, a)
    run("verify", "n.pkl").succeeds()


globals()[test]()
