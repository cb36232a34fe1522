// Too few integers name no element; NumPy's x[1] is spelled x(1, ellipsis).
// expected: an element needs one integer for each axis
#include <npymap/view.hpp>

npymap::view<double, 1> row(npymap::view<double, 2> x) { return x(1, npymap::ellipsis); }
#ifdef NPYMAP_EXPECT_FAILURE
double& element(npymap::view<double, 2> x) { return x(1); }
#endif
