// The offset of a member of one struct says nothing of another.
// expected: a member of another struct
#include <npymap/record.hpp>

struct point {
  double x;
};
struct other {
  double x;
};

#ifdef NPYMAP_EXPECT_FAILURE
auto type = npymap::record_of<point>(npymap::field_of("x", &other::x));
#else
auto type = npymap::record_of<point>(npymap::field_of("x", &point::x));
#endif
