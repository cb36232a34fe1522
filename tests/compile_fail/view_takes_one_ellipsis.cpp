// expected: more than one ellipsis
#include <npymap/view.hpp>

using npymap::ellipsis;
auto one(npymap::view<double> x) { return x(ellipsis, 0); }
#ifdef NPYMAP_EXPECT_FAILURE
auto two(npymap::view<double> x) { return x(ellipsis, 0, ellipsis); }
#endif
