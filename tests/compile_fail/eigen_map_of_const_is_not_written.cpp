// A Map of a read-only array is a Map of const.
// expected: read-only location
#include <npymap/eigen.hpp>

double good(const npymap::view<const double, 2>& x) { return npymap::as_matrix(x)(0, 0); }
#ifdef NPYMAP_EXPECT_FAILURE
void bad(const npymap::view<const double, 2>& x) { npymap::as_matrix(x).coeffRef(0, 0) = 1; }
#endif
