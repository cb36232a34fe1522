// The x that makes |A x - b| least, for a matrix A of many more rows than fit in memory:
//
//   least_squares A.npy B.npy X.npy
//
// By QR, which keeps twice the digits that normal equations do. Of each piece of [A b] only the
// triangle R is kept; two triangles, one on the other, have the R of both pieces.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>

#include <Eigen/QR>

#include <npymap/eigen.hpp>
#include <npymap/npymap.hpp>

namespace {

using Eigen::MatrixXd;

MatrixXd triangle(MatrixXd rows) {
  const Eigen::HouseholderQR<Eigen::Ref<MatrixXd>> qr(rows);  // in place
  const Eigen::Index kept = std::min(rows.rows(), rows.cols());
  return rows.topRows(kept).triangularView<Eigen::Upper>();
}

MatrixXd triangle_of_piece(const npymap::view<const double>& a,
                           const npymap::view<const double>& b) {
  MatrixXd rows(a.extent(0), a.extent(1) + 1);
  rows << npymap::as_matrix(a), npymap::as_vector(b);
  return triangle(std::move(rows));
}

MatrixXd triangle_of_both(const MatrixXd& upper, const MatrixXd& lower) {
  MatrixXd rows(upper.rows() + lower.rows(), lower.cols());
  rows << upper, lower;
  return triangle(std::move(rows));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s A.npy B.npy X.npy\n", argv[0]);
    return 2;
  }
  try {
    const auto a = npymap::open<double>(argv[1]);
    const auto b = npymap::open<double>(argv[2]);
    const Eigen::Index n = npymap::as_matrix(a).cols();
    const MatrixXd r = npymap::reduce(npymap::inputs(a, b), MatrixXd(0, n + 1), triangle_of_piece,
                                      triangle_of_both, {.budget_bytes = 16 << 20});
    if (r.rows() < n) throw std::runtime_error("fewer equations than unknowns");

    // [A b] = Q [R c; 0 d]: so R x = c, and what is left is |d|.
    const Eigen::VectorXd c = r.topRightCorner(n, 1);
    const Eigen::VectorXd x = r.topLeftCorner(n, n).triangularView<Eigen::Upper>().solve(c);
    npymap::save(argv[3], x);
    std::printf("|A x - b| = %.17g\n", r.rows() > n ? std::abs(r(n, n)) : 0.0);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
    return 1;
  }
}
