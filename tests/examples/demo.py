"""The two ends of the demo: NumPy plants structure in a large file, and confirms what was found.

demo.py write FILE ROWS COLUMNS
demo.py check FILE FOLDER
"""

import sys

import numpy as np

PLANTED = 3  # directions with more variance than the noise
BLOCK = 1 << 16


def planted(columns):
    rng = np.random.default_rng(7)
    directions, _ = np.linalg.qr(rng.standard_normal((columns, PLANTED)))
    return rng.uniform(-100, 100, columns), directions, np.array([9.0, 6.0, 4.0])


def write(path, rows, columns):
    means, directions, deviations = planted(columns)
    rng = np.random.default_rng(8)
    out = np.lib.format.open_memmap(path, "w+", "<f8", (rows, columns))
    for first in range(0, rows, BLOCK):
        n = min(BLOCK, rows - first)
        scores = rng.standard_normal((n, PLANTED)) * deviations
        block = rng.standard_normal((n, columns), dtype=np.float32)
        out[first : first + n] = means + scores @ directions.T + block
    out.flush()


def check(path, folder):
    x = np.load(path, mmap_mode="r")
    rows, columns = x.shape
    origin = np.array(x[0])
    total, gram = np.zeros(columns), np.zeros((columns, columns))
    for first in range(0, rows, BLOCK):
        block = x[first : first + BLOCK] - origin
        total += block.sum(0)
        gram += block.T @ block
    mean = total / rows
    covariance = (gram - rows * np.outer(mean, mean)) / (rows - 1)

    found = {n: np.load(f"{folder}/{n}.npy") for n in ("means", "covariance", "variances", "components")}
    np.testing.assert_allclose(found["means"], origin + mean, rtol=1e-9)
    np.testing.assert_allclose(found["covariance"], covariance, rtol=1e-7, atol=1e-9 * covariance.max())
    np.testing.assert_allclose(found["variances"], np.linalg.eigvalsh(covariance)[::-1], rtol=1e-7)
    # The first components span the planted directions: the angle between the spaces is small.
    _, directions, deviations = planted(columns)
    cosines = np.linalg.svd(directions.T @ found["components"][:, :PLANTED], compute_uv=False)
    assert cosines.min() > 0.999, cosines
    # A variance of n samples is known to sqrt(2 / n) of itself; five of these are ample.
    np.testing.assert_allclose(
        found["variances"][:PLANTED], deviations**2 + 1, rtol=5 * np.sqrt(2 / rows))
    print("NumPy agrees: means, covariance and variances within 1e-7;")
    print(f"the planted directions are found, cosine of the largest angle {cosines.min():.6f}.")


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        check(sys.argv[2], sys.argv[3])
