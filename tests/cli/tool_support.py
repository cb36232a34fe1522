# What the tests of the tool stand on; one of them follows. Usage: test, the tool, an empty folder, a seed, README.md.
import io
import random
import re
import resource
import subprocess
import traceback

test, tool, folder, seed = sys.argv[1:5]
py = random.Random(int(seed))
os.chdir(folder)


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def succeeds(self):
        assert self.code == 0 and self.err == b"", (self.code, self.err)
        return self.out

    def fails(self, code, *words):
        """One line of error, and nothing else unless `out` is looked at by the caller."""
        assert self.code == code, (self.code, self.err)
        assert self.err.startswith(b"npymap: ") and self.err.endswith(b"\n"), self.err
        assert self.err.count(b"\n") == 1, self.err
        for word in words:
            assert word.encode() in self.err, self.err
        return self

    def says_nothing(self):
        assert self.out == b"", self.out


def run(*arguments, **options):
    done = subprocess.run([tool, *map(str, arguments)], capture_output=True, timeout=60, **options)
    return Result(done.returncode, done.stdout, done.stderr)


def npy_bytes_of(descr, shape):
    """A header that NumPy need not be able to make."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def npy_bytes(a):
    file = io.BytesIO()
    np.save(file, a)
    return file.getvalue()


def sparse(path, shape, dtype="<f8", fortran_order=False):
    """A file of zeros that takes no space on disk, however large it is."""
    with open(path, "wb") as file:
        np.lib.format.write_array_header_2_0(
            file, {"descr": dtype, "fortran_order": fortran_order, "shape": shape})
        offset = file.tell()
        size = np.dtype(dtype).itemsize
        for extent in shape:
            size *= extent
        file.truncate(offset + size)
    return offset


DTYPES = [
    "?", "i1", "<i2", ">u4", "<i8", "<f2", ">f4", "<f8", "<f16", "<c8", ">c32", "<M8[25s]", ">m8[ns]",
    "S3", "<U2", ">U1", "V5", "S0",
    [("x", "<f8"), ("y", ">i4", (2, 3))], [("日", "<f4"), ("it's", "S2")], [(("title", "name"), "<i2")],
    [("a", "i1"), ("n", [("b", ">f8"), ("c", "U1")], 2)],
    np.dtype([("b", "i1"), ("x", "f8"), ("q", "i2")], align=True), [],
]


def random_array(dtype=None, most=7):
    dtype = np.dtype(py.choice(DTYPES) if dtype is None else dtype)
    shape = tuple(py.choice([0, 1, 2, 3, 5, most]) for _ in range(py.randrange(5)))
    n = int(np.prod(shape, dtype=int))
    if dtype.itemsize == 0:
        a = np.zeros(shape, dtype)
    else:
        data = py.randbytes(n * dtype.itemsize)
        a = np.frombuffer(bytearray(data), dtype).reshape(shape)
    return a if py.random() < 0.5 else np.asfortranarray(a)
