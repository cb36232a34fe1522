// A copy moves bytes; for_each converts, and says how.
// expected: no matching function for call to .*copy
#include <npymap/view.hpp>

void same(npymap::view<float> x, npymap::view<float> y) { npymap::copy(x, y); }
#ifdef NPYMAP_EXPECT_FAILURE
void widened(npymap::view<float> x, npymap::view<double> y) { npymap::copy(x, y); }
#endif
