// To NumPy a bool is a mask, and basic slicing knows none.
// expected: no match for call
#include <npymap/view.hpp>

double& element(npymap::view<double, 1> x) { return x(1); }
#ifdef NPYMAP_EXPECT_FAILURE
double& masked(npymap::view<double, 1> x) { return x(true); }
#endif
