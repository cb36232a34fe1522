// Const elements from mutable ones, and not the other way round.
// expected: conver
#include <npymap/array.hpp>

npymap::array<const double> good(const npymap::array<double>& x) { return x; }
#ifdef NPYMAP_EXPECT_FAILURE
npymap::array<double> bad(const npymap::array<const double>& x) { return x; }
#endif
