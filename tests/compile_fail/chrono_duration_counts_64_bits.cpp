// NumPy's times have eight bytes, and are whole numbers.
// expected: use a duration of std::int64_t
#include <npymap/chrono.hpp>

npymap::dtype good = npymap::dtype_of<std::chrono::duration<std::int64_t>>();
#ifdef NPYMAP_EXPECT_FAILURE
npymap::dtype bad = npymap::dtype_of<std::chrono::duration<double>>();
#endif
