// A function of elements that took an output by value would set what nobody sees.
// expected: an element of each input and a T& of each output
#include <npymap/transform.hpp>

void halve(const npymap::array<double>& x, const npymap::array<float>& y) {
  npymap::transform(x, y, [](double a, float& b) { b = static_cast<float>(a / 2); });
  npymap::transform(x, y, [](double a, auto&& b) { b = static_cast<float>(a / 2); });
}
#ifdef NPYMAP_EXPECT_FAILURE
void halve_a_copy(const npymap::array<double>& x, const npymap::array<float>& y) {
  npymap::transform(x, y, [](double a, float b) { b = static_cast<float>(a / 2); });
}
#endif
