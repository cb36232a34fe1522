// A field of an array is a member of its own elements.
#include <npymap/array.hpp>

struct point {
  double x;
};
NPYMAP_RECORD(point, x);
struct other {
  double x;
};

void zero(const npymap::array<point>& written, const npymap::array<const point>& read) {
  npymap::fill(written.field(&point::x), 0.0);
  (void)read.field(&point::x);
#ifdef NPYMAP_EXPECT_FAILURE
  (void)read.field(&other::x);
#endif
}
