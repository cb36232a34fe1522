// The mode decides whether the elements are const, so that it must be known to the compiler.
// expected: write open<T, open_mode::read_write>
#include <npymap/array.hpp>

auto good(const char* path) { return npymap::open<double, npymap::open_mode::read_write>(path); }
#ifdef NPYMAP_EXPECT_FAILURE
auto bad(const char* path) { return npymap::open<double>(path, npymap::open_mode::read_write); }
#endif
