// One step of Jacobi's method for Laplace's equation, on a grid larger than memory:
//
//   stencil IN.npy OUT.npy
//
// Each inner cell becomes the mean of its four neighbours; the border stays as it is. The grid goes
// by in tiles that see one cell more on each side.

#include <cstdio>
#include <exception>

#include <npymap/npymap.hpp>

namespace {

using npymap::_;
using npymap::range;

// NumPy: out = 0.25 * (x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:])
void mean_of_neighbours(const npymap::view<const double>& x, const npymap::view<double>& out) {
  const range inner(1, -1), before(_, -2), after(2, _);
  npymap::for_each([](double north, double south, double west, double east,
                      double& mean) { mean = 0.25 * (north + south + west + east); },
                   x(before, inner), x(after, inner), x(inner, before), x(inner, after), out);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s IN.npy OUT.npy\n", argv[0]);
    return 2;
  }
  try {
    const auto x = npymap::open<double>(argv[1]);
    auto y = npymap::create<double>(argv[2], x.shape());
    // Wide tiles, because that is how cells lie in the file.
    for (const auto& tile : npymap::blocks(
             x, {.budget_bytes = 16 << 20, .tile = npymap::shape{256, 2048}, .halo = 1})) {
      const npymap::index_vector& first = tile.start();
      const auto there =
          y(range(first[0], first[0] + tile.extent(0)), range(first[1], first[1] + tile.extent(1)));
      const range own_rows(tile.halo_before(0), tile.extent(0) - tile.halo_after(0));
      const range own_columns(tile.halo_before(1), tile.extent(1) - tile.halo_after(1));
      npymap::copy(tile.interior(), there(own_rows, own_columns));  // the border stays so
      mean_of_neighbours(tile, there(range(1, -1), range(1, -1)));
    }
    y.close();  // reports what a destructor cannot
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
    return 1;
  }
}
