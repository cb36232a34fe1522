// A third of a second would have to be rounded.
// expected: no multiple of a unit that NumPy has
#include <npymap/chrono.hpp>

template <class Period>
using duration = std::chrono::duration<std::int64_t, Period>;

npymap::dtype good = npymap::dtype_of<duration<std::ratio<7, 2>>>();
#ifdef NPYMAP_EXPECT_FAILURE
npymap::dtype bad = npymap::dtype_of<duration<std::ratio<1, 3>>>();
#endif
