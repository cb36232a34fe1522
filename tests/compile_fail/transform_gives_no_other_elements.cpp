// A function of elements gets those of the types that were asked for, and sets none of an input.
// expected: an element of each input and a T& of each output
#include <npymap/transform.hpp>

void halve(const npymap::array<double>& x, const npymap::array<float>& y) {
  npymap::transform(x, y, [](double a, float& b) { b = static_cast<float>(a / 2); });
}
#ifdef NPYMAP_EXPECT_FAILURE
void halve_in_place(const npymap::array<double>& x, const npymap::array<float>& y) {
  npymap::transform(x, y, [](double& a, float&) { a /= 2; });
}
#endif
