// What was at an address when a file was written is not there when it is read.
// expected: a pointer means nothing in a file
#include <npymap/record.hpp>

struct good {
  char name[8];
};
NPYMAP_RECORD(good, name);
#ifdef NPYMAP_EXPECT_FAILURE
struct bad {
  const char* name;
};
NPYMAP_RECORD(bad, name);
#endif
