// Mode r gives elements of const: the mode decides the type.
// expected: read-only location
#include <npymap/array.hpp>

double read(const npymap::array<const double>& x) { return x(0); }
#ifdef NPYMAP_EXPECT_FAILURE
void write(const npymap::array<const double>& x) { x(0) = 1; }
#endif
