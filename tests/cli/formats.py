"""What the tool does with text and pickles; after tool_support.py."""
import bz2
import gzip
import json
import lzma
import os
import pickle
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
    run("convert", "c.npy", "c.txt", "--format", "%q").fails(1, "%q")
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
