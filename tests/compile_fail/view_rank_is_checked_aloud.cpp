// A rank known at run time becomes a static one by an explicit conversion, for it may throw.
// expected: could not convert
#include <npymap/view.hpp>

npymap::view<double, 2> checked(npymap::view<double> x) { return npymap::view<double, 2>(x); }
#ifdef NPYMAP_EXPECT_FAILURE
npymap::view<double, 2> hoped_for(npymap::view<double> x) { return x; }
#endif
