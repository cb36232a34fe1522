"""NumPy's answers about NPY headers, for oracle_test.cpp.

  judge          read headers as hexadecimal lines, print what NumPy makes of each
  make SEED N    print N random headers as NumPy writes them, and what they mean

A line of answers has fields between tabs: "ok", "refused" or "crashed"; the dtype in a canonical
form; C or F; the shape; the offset of the elements; the differences from npymap that may apply, by
their names in oracle_test.cpp, where their reasons are.
"""
import ast
import io
import math
import os
import random
import re
import sys
import warnings

import numpy as np

try:
    from numpy.lib import _format_impl as npy
except ImportError:
    from numpy.lib import format as npy

warnings.simplefilter('ignore')
INT_MAX = 2**31 - 1
MAX_RANK = 64


def flat(dtype):
    """A dtype as the element that it is made of, and the axes of all its nested sub-arrays."""
    extents = ()
    while dtype.subdtype:
        extents += dtype.shape
        dtype = dtype.base
    return dtype, extents


def as_text(extents):
    return ','.join(map(str, extents))


def canonical(dtype):
    if dtype.names is None:
        return dtype.str
    fields = []
    for name in dtype.names:
        inner, offset, *title = dtype.fields[name]
        element, extents = flat(inner)
        words = [name.encode('utf8', 'surrogatepass').hex()]
        words += [str(title[0]).encode('utf8', 'surrogatepass').hex()] if title else ['-']
        fields.append(':'.join(words + [str(offset), canonical(element), as_text(extents)]))
    return '{' + ';'.join(fields) + '}' + str(dtype.itemsize)


# --- Differences -------------------------------------------------------------------------------


def differences_of_literal(text):
    found = set()
    if '\r' in text or '\f' in text:
        found.add('white space')
    if re.search(r'(^|\n)[ \t]*\\\n', text):
        found.add('joined line')
    if '\\N' in text:
        found.add('character by name')
    try:
        tree = ast.parse(text.lstrip(' \t'), mode='eval')
    except Exception:
        return found
    for node in ast.walk(tree):
        if isinstance(node, (ast.Set, ast.BinOp, ast.Call)):
            found.add('kind of literal')
        elif isinstance(node, ast.Dict):
            if not all(isinstance(k, ast.Constant) and type(k.value) is str for k in node.keys):
                found.add('kind of literal')
        elif isinstance(node, ast.Constant):
            if type(node.value) not in (str, int, bool, type(None)):
                found.add('kind of literal')
            if type(node.value) is str and re.search('[\ud800-\udfff]', node.value):
                found.add('lone surrogate')
    return found


def differences_of_shape(shape, itemsize):
    found = set()
    if any(isinstance(n, bool) for n in shape):
        found.add('bool as extent')
    if any(n < 0 for n in shape):
        found.add('negative extent')
    if len(shape) > MAX_RANK:
        found.add('rank')
    if math.prod(n or 1 for n in shape) * max(itemsize, 1) >= 2**63:
        found.add('overflow')
    return found


def differences_of_string(text):
    found = set()
    if re.fullmatch('[<>=|]?[\x00-\x1a]', text):
        found.add('type number')
    if re.search(r'[-+]', text) or any(int(n) > INT_MAX // 4 for n in re.findall(r'\d+', text, re.A)):
        found.add('wrapped size')
    if re.search(r'\[\s*0|/', text):
        found.add('wrapped time step')
    if re.search(r',\s*$', text):
        found.add('trailing comma')
    if re.search(r'(^|[,)] *)[<>=|]? *\(? *1', text):
        found.add('extent 1')
    if re.search(r',\s*[<>=|]\s*$', text):
        found.add('order without a type')
    if ',' in text and not text.isascii():
        found.add('unicode space')
    return found


# What NumPy 2 dropped.
OLD_NAMES = re.compile(r'\ba\d*\b|\b(a|(float|complex|unicode|string)_|int0|uint0|bool8|bytes0|str0|'
                       r'void0|object0|(c|long|clong)float|(long|single)complex)\b')


def differences_of_refusal(text):
    if np.__version__ >= '2' and OLD_NAMES.search(text):
        return {'name of NumPy 1'}
    return set()


def differences_of_extents(extents, base):
    found = set()
    if type(extents) is int:
        if extents == 1:
            found.add('extent 1')
        if extents < 0:
            found.add('wrapped size')
        if isinstance(base, tuple):
            found.add('length of a sub-array')
    elif not isinstance(extents, (tuple, list)) or not all(type(n) is int for n in extents):
        found.add('two dtypes')
    elif isinstance(extents, list) and not extents:
        found.add('two dtypes')
    elif math.prod(n or 1 for n in extents) >= 2**31:
        found.add('overflow')
    return found


def differences_of_descr(descr):
    if isinstance(descr, str):
        return differences_of_string(descr)
    if isinstance(descr, tuple):
        found = {'tuple of other than two'} if len(descr) != 2 else set()
        return found | differences_of_descr(descr[0]) | differences_of_extents(descr[1], descr[0])
    if not isinstance(descr, list):
        return {'kind of descr'}
    found = set()
    for field in descr:
        if not isinstance(field, (tuple, list)):
            found.add('field as a string')
            continue
        if isinstance(field[0], tuple) and not isinstance(field[0][0], (str, type(None))):
            found.add('kind of title')
        found |= differences_of_descr(field[1])
        if len(field) == 3:
            found |= differences_of_extents(field[2], field[1])
    return found


def differences(data, version, answer):
    encoding = 'utf8' if version == (3, 0) else 'latin1'
    start = 10 if version == (1, 0) else 12
    length = int.from_bytes(data[8:start], 'little')
    text = data[start:start + length].decode(encoding)
    if version <= (2, 0):
        try:
            text = npy._filter_header(text)
        except Exception:
            return differences_of_literal(text)
    found = differences_of_literal(text)
    if not answer:
        found |= differences_of_refusal(text)
    else:
        shape, _, dtype = answer
        descr = ast.literal_eval(text.lstrip(' \t'))['descr']
        found |= differences_of_shape(shape, dtype.itemsize) | differences_of_descr(descr)
        if dtype.subdtype:
            found.add('sub-array as a whole')
    return found


# --- Answers -----------------------------------------------------------------------------------


def judge(data):
    answer = version = None
    try:
        stream = io.BytesIO(data)
        version = npy.read_magic(stream)
        npy._check_version(version)
        answer = npy._read_array_header(stream, version)
        shape, fortran, dtype = answer
        element, extents = flat(dtype)
        line = ['ok', canonical(element), 'F' if fortran else 'C', as_text(shape),
                str(stream.tell())]
    except Exception:
        line = ['refused', '', '', '', '']
    try:
        found = differences(data, version, answer)
    except Exception:
        found = set()
    return '\t'.join(line + [','.join(sorted(found))])


def judge_in_child(cases):
    """The answers up to the first case that kills NumPy, as a divisor of 0 does."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, 'w') as out:
            for case in cases:
                print(judge(bytes.fromhex(case)), file=out, flush=True)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answers:
        lines = answers.read().splitlines()
    os.waitpid(child, 0)
    return lines


def judge_all():
    cases = sys.stdin.read().split()
    while cases:
        batch = cases[:1000]
        lines = judge_in_child(batch)
        if len(lines) < len(batch):
            lines.append('crashed\t\t\t\t\t')
        print('\n'.join(lines))
        cases = cases[len(lines):]


# --- Random headers ----------------------------------------------------------------------------

NAMES = ['x', 'velocity', 'it\'s', 'say "so"', 'both \' "', 'a\nb', 'tab\t', 'back\\slash', '\x7f',
         'caf\xe9', '\xa0', '\xad', '\u65e5\u672c', '\u2028', '\U0001f600', '\ue000', 'a b', '\x01', 'z\u0301',
         '\u0378', '\U000e0001']
UNITS = ['', '[Y]', '[M]', '[W]', '[D]', '[h]', '[m]', '[s]', '[ms]', '[us]', '[ns]', '[ps]',
         '[fs]', '[as]', '[25s]', '[7D]', '[2147483647as]']


def random_scalar(rng):
    order = rng.choice('<>')
    kind = rng.choice(['b1', 'i', 'u', 'f', 'c', 'M8', 'm8', 'S', 'U', 'V'])
    sizes = {'i': [1, 2, 4, 8], 'u': [1, 2, 4, 8], 'f': [2, 4, 8, 16], 'c': [8, 16, 32],
             'S': [0, 1, 5, 1000], 'U': [0, 1, 3, 70], 'V': [0, 1, 16, 12345]}
    size = str(rng.choice(sizes[kind])) if kind in sizes else ''
    unit = rng.choice(UNITS) if kind in ('M8', 'm8') else ''
    return np.dtype(order + kind + size + unit)


def random_dtype(rng, depth=0):
    if depth == 3 or rng.random() < (0.4, 0.7, 0.8)[depth]:
        return random_scalar(rng)
    names = [n + str(i) for i, n in enumerate(rng.choices(NAMES, k=rng.randrange(5)))]
    formats = []
    for _ in names:
        inner = random_dtype(rng, depth + 1)
        if inner.itemsize and rng.random() < 0.25:
            inner = np.dtype((inner, tuple(rng.randrange(4) for _ in range(rng.randrange(1, 4)))))
        formats.append(inner)
    titles = [f't{i}' + rng.choice(NAMES) if rng.random() < 0.2 else None
              for i in range(len(names))]
    description = {'names': names, 'formats': formats, 'titles': titles}
    if rng.random() < 0.3:
        offsets = []
        end = 0
        for inner in formats:
            offsets.append(end + rng.randrange(3))
            end = offsets[-1] + inner.itemsize
        description.update(offsets=offsets, itemsize=end + rng.randrange(9))
        return np.dtype(description)
    return np.dtype(description, align=rng.random() < 0.3)


def random_shape(rng, itemsize):
    while True:
        rank = rng.choice([0, 1, 1, 2, 2, 2, 3, 4, 9, 32])
        limit = 1 << rng.randrange(1, 60 if rank <= 2 else 2)
        shape = tuple(rng.randrange(limit + 1) for _ in range(rank))
        if 'overflow' not in differences_of_shape(shape, itemsize):
            return shape


def saved(dtype, shape, order):
    """The header of np.save, or of open_memmap for arrays that memory would not hold."""
    size = math.prod(n or 1 for n in shape) * max(dtype.itemsize, 1)
    stream = io.BytesIO()
    if size < 1 << 16:
        # numpy.zeros makes S1 of S0.
        np.save(stream, np.ndarray(shape, dtype, order=order), allow_pickle=False)
    else:
        fortran = order == 'F' and sum(n > 1 for n in shape) > 1 and math.prod(shape) > 0
        npy._write_array_header(stream, {'descr': npy.dtype_to_descr(dtype),
                                         'fortran_order': fortran, 'shape': shape})
    stream.seek(0)
    _, fortran, _ = npy._read_array_header(stream, npy.read_magic(stream), 10**9)
    return stream.getvalue()[:stream.tell()], fortran


def make(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        dtype = random_dtype(rng)
        shape = random_shape(rng, dtype.itemsize)
        order = rng.choice('CF')
        header, fortran = saved(dtype, shape, order)
        print('\t'.join([header.hex(), canonical(dtype), 'F' if fortran else 'C', as_text(shape),
                         order]))


if sys.argv[1] == 'judge':
    judge_all()
else:
    make(int(sys.argv[2]), int(sys.argv[3]))
