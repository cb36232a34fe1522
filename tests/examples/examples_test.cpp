// The examples that people copy, each on files several times larger than the memory it may have,
// confirmed by NumPy. (principal_components is the demo: see demo.sh.)

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/memory_cgroup.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using npymap_test::python;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

// Cold, so that the pages which an example reads count as its own.
const std::string save = R"(
os.chdir(sys.argv[1])
def save(path, x):
    with open(path, 'wb') as f:
        np.save(f, x)
        f.flush()
        os.fsync(f.fileno())
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
)";

/// Run an example in the folder: in a cgroup of so much memory, where one can be made.
int run_example(const npymap_test::temp_folder& folder, std::vector<std::string> words,
                std::uint64_t limit_bytes) {
  words[0] = NPYMAP_EXAMPLES "/" + words[0];
  const auto run = [&] {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    // Where built with AddressSanitizer: what is freed is not to be kept, in so little memory.
    ::setenv("ASAN_OPTIONS", "quarantine_size_mb=1", 1);
    if (::chdir(folder.path().c_str()) == 0) ::execv(arguments[0], arguments.data());
    return 126;
  };
  if (!npymap_test::have_memory_cgroups()) return npymap_test::in_child(run);
  return npymap_test::within_memory(limit_bytes, run).status;
}

}  // namespace

TEST_CASE("examples: element-wise arithmetic of two files is NumPy's to the bit") {
  REQUIRE(npymap_test::have_numpy());
  const npymap_test::temp_folder folder;
  python(save + R"(
rng = np.random.default_rng(1)
for name in 'nir', 'red':
    save(name + '.npy', rng.integers(0, 1000, (4096, 8192), 'u2'))
)",
         {folder.path()});
  REQUIRE(run_example(folder, {"arithmetic", "nir.npy", "red.npy", "out.npy"}, 32 * mib) == 0);
  python(R"(
os.chdir(sys.argv[1])
n, r = (np.load(name).astype('f4') for name in ('nir.npy', 'red.npy'))
with np.errstate(invalid='ignore'):
    np.testing.assert_array_equal(np.load('out.npy'), (n - r) / (n + r))
)",
         {folder.path()});
}

TEST_CASE("examples: a stencil over tiles is NumPy's to the bit") {
  REQUIRE(npymap_test::have_numpy());
  const npymap_test::temp_folder folder;
  const std::string shape = GENERATE("4001, 4097", "1, 5", "2, 2", "3, 3", "513, 1", "0, 4");
  python(save + "save('x.npy', np.random.default_rng(2).random((" + shape + ")))", {folder.path()});
  REQUIRE(run_example(folder, {"stencil", "x.npy", "y.npy"}, 32 * mib) == 0);
  python(R"(
os.chdir(sys.argv[1])
x, y = np.load('x.npy'), np.load('y.npy')
wanted = x.copy()
wanted[1:-1, 1:-1] = 0.25 * (x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:])
np.testing.assert_array_equal(y, wanted)
)",
         {folder.path()});
}

TEST_CASE("examples: least squares by a streaming QR are those of numpy.linalg.lstsq") {
  REQUIRE(npymap_test::have_numpy());
  const npymap_test::temp_folder folder;
  // Columns that are nearly dependent, which cost normal equations nearly all digits.
  python(save + R"(
rng = np.random.default_rng(3)
a = rng.standard_normal((1 << 19, 32))
a[:, 1:] = a[:, :1] + 1e-5 * a[:, 1:]
save('a.npy', a)
save('b.npy', a @ np.arange(32) + 1e-3 * rng.standard_normal(len(a)))
)",
         {folder.path()});
  REQUIRE(run_example(folder, {"least_squares", "a.npy", "b.npy", "x.npy"}, 32 * mib) == 0);
  python(R"(
os.chdir(sys.argv[1])
a, b, x = (np.load(name) for name in ('a.npy', 'b.npy', 'x.npy'))
wanted, residual, rank, _ = np.linalg.lstsq(a, b, rcond=None)
assert rank == 32
np.testing.assert_allclose(x, wanted, rtol=0, atol=1e-7 * wanted.max())
np.testing.assert_allclose(((a @ x - b) ** 2).sum(), residual[0], rtol=1e-9)
)",
         {folder.path()});
}

TEST_CASE("examples: k-means in mini-batches is close to the best that Lloyd's finds") {
  REQUIRE(npymap_test::have_numpy());
  const npymap_test::temp_folder folder;
  python(save + R"(
rng = np.random.default_rng(4)
centers = rng.uniform(-3, 3, (16, 1024)).astype('f4')
x = rng.standard_normal((1 << 15, 1024), dtype='f4') + centers[rng.integers(0, 16, 1 << 15)]
save('x.npy', x)
save('planted.npy', centers)
)",
         {folder.path()});
  REQUIRE(run_example(folder, {"k_means", "x.npy", "16", "centers.npy", "labels.npy"}, 32 * mib) ==
          0);
  python(R"(
os.chdir(sys.argv[1])
x, labels, found, centers = (np.load(n + '.npy') for n in ('x', 'labels', 'centers', 'planted'))
def nearest(x, centers):
    return ((centers ** 2).sum(1) - 2 * x @ centers.T).argmin(1)
def inertia(x, centers, labels):
    return ((x - centers[labels]) ** 2).sum(dtype='f8')
np.testing.assert_(np.mean(labels == nearest(x, found)) > 0.9999)
for _ in range(3):
    near = nearest(x, centers)
    centers = np.array([x[near == k].mean(0) for k in range(len(centers))])
best = inertia(x, centers, nearest(x, centers))
ours = inertia(x, found, labels)
assert ours < 1.001 * best, (ours, best)
)",
         {folder.path()});
}
