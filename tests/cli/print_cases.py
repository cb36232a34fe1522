# Random arrays, and what NumPy prints for them: for each case four counted pieces, the text of
# how to view the array, its .npy file, the bytes to lay it out at, and print(a).
import io
import random
import struct
import warnings

seed, count, out_path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
rng = np.random.default_rng(seed)
py = random.Random(seed)
warnings.simplefilter("ignore")


def bits(dtype, n):
    return np.frombuffer(rng.bytes(n * dtype.itemsize), dtype)


def finite_float(n):
    kind = py.randrange(9)
    if kind == 0:
        return rng.standard_normal(n)
    if kind == 1:
        return np.round(rng.standard_normal(n) * 10.0 ** py.randrange(6), py.randrange(5))
    if kind == 2:
        return rng.integers(-1000, 1000, n).astype("f8")
    if kind == 3:
        return 10.0 ** rng.uniform(-12, 12, n) * rng.choice([-1, 1], n)
    if kind == 4:
        return 2.0 ** rng.integers(-60, 60, n)
    if kind == 5:  # around the switch to scientific notation
        return rng.choice([1.0, 1000.0, 1001.0, 999.5, 1e8, 99999999.0, 1.0002e-4, 0.5, 1e3 + 1e-9], n)
    if kind == 6:
        return rng.choice([0.1, 0.2, 0.30000000000000004, 1 / 3, 2 / 3, 123456.789], n)
    if kind == 7:
        return np.zeros(n)
    return rng.uniform(0, 1, n)


def floats(dtype, n):
    if dtype.itemsize == 16 and py.random() < 0.5:  # digits that a double does not have
        a = np.asarray(finite_float(n), dtype) + np.asarray(finite_float(n), dtype) * np.finfo(dtype).eps
        if py.random() < 0.3:
            a = np.ldexp(a, py.randrange(-16000, 16000))
    elif dtype.itemsize < 16 and py.random() < 0.3:
        a = bits(dtype, n).astype(dtype)
    else:
        with np.errstate(all="ignore"):
            a = np.asarray(finite_float(n)).astype(dtype)
    if py.random() < 0.3 and n:
        special = [np.nan, np.inf, -np.inf, -0.0, np.finfo(dtype.newbyteorder("=")).tiny, 0.0]
        for _ in range(py.randrange(3)):
            a[py.randrange(n)] = py.choice(special)
    return a


def integers(dtype, n):
    kind = py.randrange(3)
    if kind == 0:
        return bits(dtype, n).copy()
    if kind == 1:
        return rng.integers(0, 100, n).astype(dtype)
    info = np.iinfo(dtype)
    return np.array([py.choice([info.min, info.max, 0, 1]) for _ in range(n)], dtype)


def times(dtype, n):
    reach = 10 ** py.randrange(1, 15)
    a = np.array([py.randrange(-reach, reach) for _ in range(n)], "i8")
    for _ in range(py.choice([0, 0, 1, 2])):
        if n:
            a[py.randrange(n)] = np.iinfo("i8").min
    return a.view(dtype.newbyteorder("=")).astype(dtype)


ALPHABET = ["a", "B", " ", "'", '"', "\\", "\n", "\t", "\r", "\0", "\x7f", "\x1b", "é", "\xad", "\xa0",
            "ß", "日", "本", "\u200b", "\u2028", "\ud800", "\uffff", "\ue000", "😀", "\U000e0001",
            "\u0301", "\u061d", "\U0010ffff"]


def text(length):
    return "".join(py.choice(ALPHABET[: py.choice([3, 8, len(ALPHABET)])]) for _ in range(length))


def strings(dtype, n):
    width = dtype.itemsize // (4 if dtype.kind == "U" else 1)
    if dtype.kind == "U":
        values = [text(py.randrange(width + 1)) for _ in range(n)]
    else:
        values = [bytes(py.choice(b"abc'\"\\\n\t\x00\x01\x7f\x80\xff") for _ in range(py.randrange(width + 1)))
                  for _ in range(n)]
    return np.array(values, dtype) if n else np.zeros(0, dtype)


UNITS = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"]


def random_dtype(depth=0):
    order = py.choice("<>")
    kind = py.randrange(12 if depth < 2 else 10)
    if kind == 0:
        return np.dtype("?")
    if kind == 1:
        return np.dtype(order + py.choice(["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]))
    if kind in (2, 3):
        return np.dtype(order + py.choice(["f2", "f4", "f8", "f16"]))
    if kind == 4:
        return np.dtype(order + py.choice(["c8", "c16", "c32"]))
    if kind in (5, 6):
        unit = py.choice(UNITS)
        n = py.choice(["", "", "2", "25"])
        if kind == 6 and py.random() < 0.1:
            return np.dtype("<m8")  # NumPy's own minimum of a >m8 is wrong
        return np.dtype(f"{order}{'M' if kind == 5 else 'm'}8[{n}{unit}]")
    if kind == 7:
        return np.dtype(f"S{py.randrange(0, 9)}")
    if kind == 8:
        return np.dtype(f"{order}U{py.randrange(0, 9)}")
    if kind == 9:
        return np.dtype(f"V{py.randrange(0, 5)}")
    names = py.sample(["x", "y", "a b", "日", "f0"], py.randrange(0, 4))
    fields = []
    for name in names:
        sub = random_dtype(depth + 1)
        if sub.itemsize and py.random() < 0.3:
            sub = (sub, tuple(py.randrange(0, 4) for _ in range(py.randrange(1, 3))))
        fields.append((name, sub))
    return np.dtype(fields, align=py.random() < 0.3 and all(n.isascii() for n in names))


def fill(dtype, n):
    """n elements, in one dimension."""
    if dtype.subdtype:
        base, shape = dtype.subdtype
        return fill(base, n * int(np.prod(shape))).reshape((n,) + shape)
    if dtype.names is not None:
        a = np.zeros(n, dtype)
        for name in dtype.names:
            a[name] = fill(dtype[name], n)
        return a
    if dtype.kind == "b":
        return rng.integers(0, 2, n).astype("?")
    if dtype.kind in "iu":
        return integers(dtype, n)
    if dtype.kind == "f":
        return floats(dtype, n)
    if dtype.kind == "c":
        part = np.dtype(dtype.byteorder + "f" + str(dtype.itemsize // 2))
        a = np.zeros(n, dtype)
        a.real, a.imag = floats(part, n), floats(part, n)
        return a
    if dtype.kind in "mM":
        return times(dtype, n)
    if dtype.kind in "SU":
        return strings(dtype, n)
    return np.frombuffer(rng.bytes(n * dtype.itemsize), dtype) if dtype.itemsize else np.zeros(n, dtype)


def random_shape():
    kind = py.randrange(10)
    if kind == 0:
        return ()
    if kind == 1:  # long enough to be abbreviated
        return py.choice([(1001,), (2000,), (7, 150), (300, 4), (8, 9, 20), (3, 400), (1000,), (11, 7, 7, 2)])
    if kind == 2:
        return py.choice([(0,), (3, 0), (0, 4), (1, 1, 1, 1), (1,) * 12, (2,) * 9])
    return tuple(py.randrange(1, 8) for _ in range(py.randrange(1, 5)))


def npy(a):
    file = io.BytesIO()
    header = {"descr": np.lib.format.dtype_to_descr(a.dtype), "shape": a.shape,
              "fortran_order": a.flags.f_contiguous and not a.flags.c_contiguous}
    np.lib.format._write_array_header(file, header)
    return file.getvalue() + a.tobytes("A")


def piece(data):
    return struct.pack("<Q", len(data)) + data


with open(out_path, "wb") as out:
    done = 0
    while done < count:
        dtype = random_dtype()
        shape = random_shape()
        a = fill(dtype, int(np.prod(shape, dtype=int))).reshape(shape)
        if py.random() < 0.3:
            a = np.asfortranarray(a)
        stored = npy(a)
        how = ""
        if a.ndim and py.random() < 0.3:
            how = "reversed"
            a = a[::-1]
        try:
            printed = str(a)
        except (ValueError, OverflowError):  # NumPy cannot: subnormal long doubles, mostly
            continue
        printed = printed.encode("utf-8", "backslashreplace")
        out.write(piece(how.encode()) + piece(repr(np.lib.format.dtype_to_descr(a.dtype)).encode()) + piece(stored) + piece(printed))
        done += 1
