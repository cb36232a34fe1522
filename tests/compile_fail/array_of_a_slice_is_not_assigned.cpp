// NumPy's x[0] = x[1] copies; here it would rebind a temporary and change nothing.
// expected: no match for|discards qualifiers|deleted
#include <npymap/array.hpp>

void good(const npymap::array<double>& x) {
  npymap::copy(x(0, npymap::ellipsis), x(1, npymap::ellipsis));
}
#ifdef NPYMAP_EXPECT_FAILURE
void bad(const npymap::array<double>& x) { x(0, npymap::ellipsis) = x(1, npymap::ellipsis); }
#endif
