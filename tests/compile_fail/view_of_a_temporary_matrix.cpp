// The matrix is gone at the semicolon.
// expected: give the matrix a name
#include <npymap/eigen.hpp>

auto good(Eigen::MatrixXd& m) { return npymap::as_view(m); }
#ifdef NPYMAP_EXPECT_FAILURE
auto bad() { return npymap::as_view(Eigen::MatrixXd(2, 2)); }
#endif
