// What each user's project builds: it creates a file, opens it and sums it.
#include <cstdio>

#include <npymap/npymap.hpp>

int main() {
  {
    auto made = npymap::create<double>("sum.npy", {3, 4});
    for (npymap::index_t row = 0; row < 3; ++row) {
      for (npymap::index_t column = 0; column < 4; ++column) {
        made(row, column) = static_cast<double>(4 * row + column);
      }
    }
  }
  const auto opened = npymap::open<double>("sum.npy");
  double sum = 0;
  for (const double value : opened) sum += value;
  try {
    npymap::open<float>("sum.npy");
  } catch (const npymap::error&) {  // crosses the library's border
    return sum == 66 ? std::remove("sum.npy") : 1;
  }
  return 1;
}
