// Creating takes a dtype and a shape, which open does not have.
// expected: create<T>
#include <npymap/array.hpp>

auto good(const char* path) { return npymap::open<double, npymap::open_mode::read_write>(path); }
#ifdef NPYMAP_EXPECT_FAILURE
auto bad(const char* path) { return npymap::open<double, npymap::open_mode::create>(path); }
#endif
