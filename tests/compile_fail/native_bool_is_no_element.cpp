// A file's byte may be neither 0 nor 1, which a C++ bool may not hold.
// expected: element
#include <npymap/dtype.hpp>

template <npymap::element T>
constexpr int read = 0;

int good = read<npymap::bool8>;
#ifdef NPYMAP_EXPECT_FAILURE
int bad = read<bool>;
#endif
