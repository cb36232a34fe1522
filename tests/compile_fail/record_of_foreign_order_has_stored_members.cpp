// Turning all bytes of a struct round would change the places of its members too.
// expected: make these stored
#include <npymap/record.hpp>
#include <npymap/stored.hpp>

using npymap::byte_order;
using npymap::stored;

struct native {
  float x, y;
};
NPYMAP_RECORD(native, x, y);
struct foreign {
  stored<float, byte_order::big> x, y;
};
NPYMAP_RECORD(foreign, x, y);

int good = sizeof(stored<native>) + sizeof(stored<foreign>);
#ifdef NPYMAP_EXPECT_FAILURE
int bad = sizeof(stored<native, byte_order::big>);
#endif
