// Constness is added on the way to another view, never taken away.
// expected: could not convert
#include <npymap/view.hpp>

npymap::view<const double> read_only(npymap::view<double> x) { return x; }
#ifdef NPYMAP_EXPECT_FAILURE
npymap::view<double> writable(npymap::view<const double> x) { return x; }
#endif
