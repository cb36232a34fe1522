// A file's byte may be neither 0 nor 1, which a C++ bool may not hold.
// expected: make the member an npymap::bool8
#include <npymap/record.hpp>

struct good {
  npymap::bool8 flags[2];
};
NPYMAP_RECORD(good, flags);
#ifdef NPYMAP_EXPECT_FAILURE
struct bad {
  bool flags[2];
};
NPYMAP_RECORD(bad, flags);
#endif
