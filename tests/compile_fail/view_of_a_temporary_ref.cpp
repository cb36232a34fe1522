// A Ref to const may hold a copy of its own, which is gone at the semicolon.
// expected: give the matrix a name
#include <npymap/eigen.hpp>

auto good(const Eigen::Ref<const Eigen::MatrixXd>& m) { return npymap::as_view(m); }
#ifdef NPYMAP_EXPECT_FAILURE
auto bad(const Eigen::MatrixXd& m) {
  return npymap::as_view(Eigen::Ref<const Eigen::MatrixXd>(2 * m));
}
#endif
