// Find K clusters in the rows of a file larger than memory, by k-means in mini-batches:
//
//   k_means ROWS.npy K CENTERS.npy LABELS.npy
//
// Each epoch takes the rows in another random order, a batch at a time, and moves each center
// towards the rows that are nearest to it, by less the more it has seen (Sculley, 2010).

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include <npymap/eigen.hpp>
#include <npymap/npymap.hpp>

namespace {

using npymap::index_t;
using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

index_t nearest(const matrix& centers, const Eigen::Ref<const Eigen::RowVectorXf>& row) {
  index_t label = 0;
  (centers.rowwise() - row).rowwise().squaredNorm().minCoeff(&label);
  return label;
}

// Rows of one batch, each as far as can be from those before it, lest two begin in one cluster.
matrix first_centers(const matrix& batch, index_t k) {
  matrix centers(k, batch.cols());
  Eigen::VectorXf distance = Eigen::VectorXf::Constant(batch.rows(), INFINITY);
  for (index_t i = 0; i < k; ++i) {
    index_t farthest = 0;
    distance.maxCoeff(&farthest);
    centers.row(i) = batch.row(farthest);
    const auto to_center = (batch.rowwise() - centers.row(i)).rowwise().squaredNorm();
    distance = distance.cwiseMin(to_center);
  }
  return centers;
}

matrix cluster(const npymap::array<const float>& x, index_t k) {
  matrix centers;
  Eigen::VectorX<index_t> seen = Eigen::VectorX<index_t>::Zero(k);
  for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
    for (const auto& batch : npymap::batches(
             x, {.batch_size = 1024, .seed = 7, .epoch = epoch, .budget_bytes = 16 << 20})) {
      const auto rows = npymap::as_matrix(batch);
      if (centers.size() == 0) centers = first_centers(rows, k);
      for (index_t i = 0; i < rows.rows(); ++i) {
        const index_t label = nearest(centers, rows.row(i));
        const float rate = 1 / static_cast<float>(++seen(label));
        centers.row(label) += rate * (rows.row(i) - centers.row(label));
      }
    }
  }
  return centers;
}

}  // namespace

int main(int argc, char** argv) {
  const index_t k = argc == 5 ? std::atoi(argv[2]) : 0;
  if (k < 1) {
    std::fprintf(stderr, "usage: %s ROWS.npy K CENTERS.npy LABELS.npy\n", argv[0]);
    return 2;
  }
  try {
    const auto x = npymap::open<float>(argv[1]);
    const matrix centers = cluster(x, k);
    npymap::save(argv[3], centers);

    auto labels = npymap::create<std::int32_t>(argv[4], {x.extent(0)});
    const auto label = [&](const npymap::view<const float>& piece,
                           const npymap::view<std::int32_t>& out) {
      const auto rows = npymap::as_matrix(piece);
      for (index_t i = 0; i < rows.rows(); ++i) {
        out(i) = static_cast<std::int32_t>(nearest(centers, rows.row(i)));
      }
    };
    npymap::transform(x, labels, label, {.budget_bytes = 16 << 20});
    labels.close();  // reports what a destructor cannot
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
    return 1;
  }
}
