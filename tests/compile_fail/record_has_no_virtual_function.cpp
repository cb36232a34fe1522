// The bytes of an object with a hidden pointer are no record.
// expected: trivially copyable
#include <npymap/record.hpp>

struct particle {
#ifdef NPYMAP_EXPECT_FAILURE
  virtual void move() {}
#endif
  double x;
};
NPYMAP_RECORD(particle, x);
