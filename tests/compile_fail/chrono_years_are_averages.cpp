// NumPy's 'Y' is a year of the calendar; chrono's is 31556952 seconds.
// expected: use datetime64<time_unit::year>
#include <npymap/chrono.hpp>
#include <npymap/datetime.hpp>

npymap::dtype good = npymap::dtype_of<npymap::datetime64<npymap::time_unit::year>>();
#ifdef NPYMAP_EXPECT_FAILURE
npymap::dtype bad = npymap::dtype_of<std::chrono::sys_time<std::chrono::years>>();
#endif
