// The text would be that of an object which is gone.
// expected: deleted
#include <npymap/strings.hpp>

std::array<char, 4> name = {'V', 'e', 'g', 'a'};
std::string_view good = npymap::text_of(name);
#ifdef NPYMAP_EXPECT_FAILURE
std::string_view bad = npymap::text_of(std::array<char, 4>(name));
#endif
