// A struct within a struct is bound first.
// expected: bind that with NPYMAP_RECORD
#include <npymap/record.hpp>

struct point {
  double x, y;
};
struct holder {
  point corners[2];
};
#ifndef NPYMAP_EXPECT_FAILURE
NPYMAP_RECORD(point, x, y);
#endif
NPYMAP_RECORD(holder, corners);
