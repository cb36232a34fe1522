// Where the rank is known, so is the number of subscripts that can be right.
// expected: more subscripts than axes
#include <npymap/view.hpp>

using npymap::all;
auto two(npymap::view<double, 2> x) { return x(all, all); }
#ifdef NPYMAP_EXPECT_FAILURE
auto three(npymap::view<double, 2> x) { return x(all, all, all); }
#endif
