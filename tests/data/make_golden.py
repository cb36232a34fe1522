#!/usr/bin/python3
"""Write the files of golden/: small arrays as NumPy 1.24.2 saves them, and headers as others do.

Each holds the numbers 0, 1, 2, … in the order of the file, converted to its dtype, or as bytes where
there is no conversion; golden_test.cpp says what each header means.
"""
import pathlib
import warnings

import numpy as np

warnings.simplefilter('ignore')
FOLDER = pathlib.Path(__file__).with_name('golden')
FLOATS = np.arange(6.0).tobytes()


def save(name, dtype, shape, order='C'):
    size = int(np.prod(shape, dtype=int))
    array = np.arange(size).astype(dtype)
    np.save(FOLDER / name, array.reshape(shape, order=order))


def save_bytes(name, dtype, shape):
    size = int(np.prod(shape, dtype=int))
    data = bytes(i % 128 for i in range(size * np.dtype(dtype).itemsize))
    np.save(FOLDER / name, np.ndarray(shape, dtype, data) if data else np.ndarray(shape, dtype))


def write(name, text, version=1, data=FLOATS):
    encoded = text.encode('utf8' if version == 3 else 'latin1')
    length = len(encoded).to_bytes(2 if version == 1 else 4, 'little')
    (FOLDER / name).with_suffix('.npy').write_bytes(
        b'\x93NUMPY' + bytes([version, 0]) + length + encoded + data)


save('float64', '<f8', (2, 3))
save('float64_fortran', '<f8', (2, 3), 'F')
save('float64_big_endian', '>f8', (6,))
save('float16', '<f2', (3,))
save('long_double', '<f16', (3,))
save('complex64', '<c8', (2, 2))
save('bool', '?', (4,))
save('int8', 'i1', (2, 0, 3))
save('uint64_scalar', '<u8', ())
save('datetime', '<M8[25s]', (3,))
save('timedelta_generic', '<m8', (3,))
save('bytes', 'S5', (2,))
save('unicode', '<U3', (2,))
save_bytes('void', 'V4', (2,))
save_bytes('bytes_empty', 'S0', (2,))
save_bytes('record', [('x', '<f8'), ('n', '<i4', (2, 3)), ('inner', [('a', 'i1'), ('b', '>u2')])], (2,))
save_bytes('record_aligned', np.dtype([('a', 'i1'), ('b', '<f8'), ('c', 'i1')], align=True), (2,))
save_bytes('record_titled', [(('a title', 'x'), '<f4')], (2,))
save_bytes('record_latin1', [('caf\xe9', '<f4')], (2,))
save_bytes('record_utf8', [('\u65e5\u672c', '<f4'), ("it's", '<i2'), ('a\nb', 'i1')], (2,))
save_bytes('record_no_fields', [], (2,))

write('python2', "{'descr': '<f8', 'fortran_order': False, 'shape': (6L,), }          \n")
write('version2', "{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }\n", 2)
write('version3', "{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }\n", 3)
write('data_at_byte_66', "{'descr':'<f8','fortran_order':False,'shape':(2,3)}     ")
write('other_order', '{"shape": (6,),\n "fortran_order": False,\n "descr": "=f8"}\n')
write('comma_string', "{'descr': 'f4,2i2', 'fortran_order': False, 'shape': (6,)}\n")
write('object', "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", data=b'')
