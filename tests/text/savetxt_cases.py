"""Arrays and arguments of numpy.savetxt at random, and what it makes of them.

Usage: FOLDER SEED COUNT. Of case N: N.npy, N.txt (none where NumPy raises), and N.args: lines of a
name and the hex of a UTF-8 value.
"""
import numpy as np, sys, os, warnings

warnings.simplefilter('ignore')
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
pick = lambda *xs: xs[rng.integers(len(xs))]

PLAIN = ['?', 'i1', 'u1', '<i2', '>i2', '<u2', '<i4', '>u4', '<i8', '>i8', '<u8', '<f2', '>f2', '<f4', '>f4',
         '<f8', '>f8', '<f8', '<f8', '<g', '<c8', '>c8', '<c16', '>c16', '<G', 'S1', 'S5', '<U1', '<U4', '>U4',
         'V3', '<M8[D]', '<M8[h]', '>M8[ns]', '<M8[25s]', '<M8[M]', '<m8[s]', '<m8', '<m8[7ms]', '<m8[Y]']

def spec(kinds):
    """A format that suits most values of the kinds."""
    letters = {'b': 'dixXousrac' + 'eEfFgG', 'i': 'dixXousra' + 'eEfFgGc', 'u': 'dixXousra' + 'eEfFgGc',
               'f': 'eEfFgGeEfFgGdsrasr', 'S': 'sra', 'U': 'srac', 'V': 'sra', 'M': 'sra', 'm': 'sra', 'c': 'sra'}
    common = set('sradeEfFgGcxXoiu')
    for k in kinds: common &= set(letters[k])
    letter = pick(*sorted(common)) if rng.random() < .97 else pick(*'dxcsef')
    flags = ''.join(f for f in '-+ #0' if rng.random() < .15)
    width = pick('', '', '', '1', '5', '12', '30')
    precision = pick('', '', '', '.', '.0', '.1', '.3', '.10', '.17', '.18', '.25', '.60')
    length = pick('', '', '', '', 'l', 'h', 'L')
    return '%' + flags + width + precision + length + letter

def values(dtype, n):
    dtype = np.dtype(dtype)
    if dtype.names:
        x = np.zeros(n, dtype)
        for name in dtype.names: x[name] = values(dtype[name], n)
        return x
    k = dtype.kind
    if k == 'b': return rng.integers(0, 2, n).astype(bool)
    if k in 'iu':
        x = np.frombuffer(rng.bytes(n * dtype.itemsize), dtype.newbyteorder('=')).astype(dtype)
        return np.where(rng.random(n) < .5, x, rng.integers(0, 100, n).astype(dtype)).astype(dtype)
    if k in 'fc':
        real = np.dtype({4: 'f2', 8: 'f4', 16: 'f8', 32: 'g'}[dtype.itemsize] if k == 'c' else dtype)
        m = 2 * n if k == 'c' else n
        if real.itemsize == 16:
            x = np.ldexp(rng.random(m).astype('g') + rng.random(m) * 2.**-60, rng.integers(-300, 300, m))
            x *= rng.choice([-1, 1], m)
        else:
            x = np.frombuffer(rng.bytes(m * real.itemsize), real.newbyteorder('=')).copy()
        easy = np.round(rng.normal(0, 10.**rng.integers(-6, 18), m), rng.integers(0, 5)).astype(real)
        x = np.where(rng.random(m) < .5, x, easy)
        info = np.finfo(real.newbyteorder('='))
        biggest = np.longdouble('1e4000') if real.itemsize == 16 else info.max  # Python stops at 4300 digits
        special = np.array([0., -0., 1, -1, np.nan, -np.nan, np.inf, -np.inf, biggest, -biggest, info.tiny,
                            info.smallest_subnormal, info.eps, 1e-4, 1e-5, 9.5, .5, 1.5, 65504], x.dtype)
        x = np.where(rng.random(m) < .1, rng.choice(special, m), x).astype(real.newbyteorder('='))
        if rng.random() < .7: x = np.where(np.isfinite(x), x, x.dtype.type(1))
        return (x[:n] if k == 'f' else x.view(dtype.newbyteorder('='))).astype(dtype)
    if k == 'S':
        return np.array([bytes(rng.choice(list(b"ab'\"\\\n\t\r\x00\x7f\xff 1"), 6)) for _ in range(n)], dtype)
    if k == 'U':
        some = list("ab'\"\\\n\x00\x7f 1é\xa0\xad") + (list('\u3042\u0378\ue000\U0001f600\u200b') if rng.random() < .5 else [])
        return np.array([''.join(rng.choice(some, 5)) for _ in range(n)], dtype)
    if k == 'V': return np.frombuffer(rng.bytes(n * dtype.itemsize), dtype)
    x = rng.integers(-10**9, 10**9, n)
    if 'ns' in dtype.str: x *= 10**9 + 7
    if '[M]' in dtype.str or '[Y]' in dtype.str: x %= 20000
    if '[D]' in dtype.str or '[h]' in dtype.str: x %= 1000000
    return np.where(rng.random(n) < .1, np.iinfo('i8').min, x).view(dtype.newbyteorder('=')).astype(dtype)

text = lambda: pick('', '', ' ', ',', '; ', '\t', '+', '-', '+-', 'é', 'a b', "'")
for n in range(int(sys.argv[3])):
    record = rng.random() < .15
    if record:
        fields = [(f'f{i}' if i else 'é', pick(*PLAIN)) for i in range(rng.integers(1, 5))]
        dtype = np.dtype(fields, align=bool(rng.integers(2)))
        shape = (int(rng.integers(0, 30)),)
        columns = [np.dtype(f[1]).kind for f in fields]
    else:
        dtype = np.dtype(pick(*PLAIN))
        shape = pick(lambda: (rng.integers(0, 40),), lambda: (rng.integers(0, 12), rng.integers(0, 8)),
                     lambda: (rng.integers(1, 12), rng.integers(1, 8)), lambda: (rng.integers(1, 4), rng.integers(50, 300)))()
        shape = tuple(int(i) for i in shape)
        if rng.random() < .01: shape = pick((), (2, 2, 2))
        columns = [dtype.kind] * (shape[1] if len(shape) == 2 else 1)
    x = values(dtype, int(np.prod(shape))).reshape(shape)
    if rng.random() < .3: x = np.asfortranarray(x)
    np.save(f'{n}.npy', x)
    cut = ''
    if rng.random() < .25 and x.ndim:
        cut = pick('::-1', '1:', '::2')
        if x.ndim == 2: cut += pick(', ::-1', ', 1:', ', ::3', '')
    y = eval(f'x[{cut}]') if cut else x
    if y.ndim == 2: columns = columns[:1] * y.shape[1]
    pair = dtype.kind == 'c'
    if pair: columns = ['f'] * 2 * len(columns)
    args = dict(encoding=pick('utf-8', 'utf-8', 'latin1'))
    how = rng.random()
    if how < .15: pass
    elif how < .65: args['fmt'] = text().replace('%', '') + spec(set(columns)) + text()
    elif how < .85 or not columns: args['fmt'] = ''.join(text() + spec({k}) for k in columns) + text()
    else:
        cells = [text() + spec({k}) + pick('', '', '%%', '%%é') for k in columns]
        args['fmt'] = [a + pick('', '+') + b for a, b in zip(cells[::2], cells[1::2])] if pair else cells
    if rng.random() < .03 and 'fmt' in args: args['fmt'] = args['fmt'] + args['fmt'][:3]
    if rng.random() < .02: args['fmt'] = pick('%', '%5', 'x%', '%z', '%(a)d', '%*d', '%.-3d', '%5%', 'abc', '%lld')
    if rng.random() < .5: args['delimiter'] = text()
    if rng.random() < .3: args['newline'] = pick('\r\n', '', ';\n', '-\n')
    if rng.random() < .3: args['header'] = pick('a', 'two\nlines', 'é\n', '\n\n')
    if rng.random() < .3: args['footer'] = pick('b', 'two\nlines')
    if rng.random() < .3: args['comments'] = pick('', '%', '// ', 'é')
    # What is refused here though NumPy takes it: values that lose something.
    if any(k in 'cMmV' for k in columns):
        given = args.get('fmt', '%.18e')
        parts = given if isinstance(given, list) else [given]
        if any(c in p.split('%')[-1] or c in p for p in parts for c in 'dixXoueEfFgGc' if '%' in p):
            args['fmt'] = '%s'
    try:
        np.savetxt(f'{n}.txt', y, **args)
    except Exception:
        os.unlink(f'{n}.txt')
    if cut: args['cut'] = cut
    if y.size == 0: args['rows'] = '0'
    with open(f'{n}.args', 'w') as out:
        for name, value in args.items():
            for each in value if isinstance(value, list) else [value]:
                out.write(('fmts' if isinstance(value, list) else name) + ' ' + each.encode().hex() + '\n')
