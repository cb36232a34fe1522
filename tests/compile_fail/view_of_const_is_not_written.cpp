// A view of const elements reads.
// expected: read-only location
#include <npymap/view.hpp>

double read(const npymap::view<const double, 1>& x) { return x(0); }
#ifdef NPYMAP_EXPECT_FAILURE
void write(const npymap::view<const double, 1>& x) { x(0) = 1; }
#endif
