// The second view of a copy is the one that is written.
// expected: no matching function for call to .*copy
#include <npymap/view.hpp>

void there(npymap::view<const float> x, npymap::view<float> y) { npymap::copy(x, y); }
#ifdef NPYMAP_EXPECT_FAILURE
void back(npymap::view<const float> x, npymap::view<float> y) { npymap::copy(y, x); }
#endif
