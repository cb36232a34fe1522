// Eigen's own errors would fill pages.
// expected: Eigen needs native, aligned numbers
#include <npymap/eigen.hpp>
#include <npymap/stored.hpp>

auto good(const npymap::view<double, 2>& v) { return npymap::as_matrix(v); }
#ifdef NPYMAP_EXPECT_FAILURE
auto bad(const npymap::view<npymap::stored<double, npymap::byte_order::big>, 2>& v) {
  return npymap::as_matrix(v);
}
#endif
