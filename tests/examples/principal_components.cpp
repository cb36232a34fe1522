// Column means, covariance and principal components of a matrix larger than memory:
//
//   principal_components IN.npy OUT_FOLDER [--budget BYTES]
//
// One pass over the map, block by block; what has been read is dropped, so that the memory in use
// stays near the budget whatever the file's size. Results are written as .npy files.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <string>

#include <Eigen/Eigenvalues>

#include <npymap/eigen.hpp>
#include <npymap/npymap.hpp>

namespace {

using npymap::index_t;

struct column_statistics {
  Eigen::VectorXd means;
  Eigen::MatrixXd covariance;
};

class progress_bar {
 public:
  explicit progress_bar(double bytes_in_all) : bytes_in_all_(bytes_in_all) {}

  void show(double bytes_done) const {
    using seconds = std::chrono::duration<double>;
    const double elapsed = seconds(std::chrono::steady_clock::now() - begun_).count();
    const double fraction = bytes_done / bytes_in_all_;
    const int width = 40;
    const int full = static_cast<int>(fraction * width);
    std::fprintf(stderr, "\r[%.*s%*s] %3.0f %%  %5.2f GB/s  %4.1f s left ", full,
                 "########################################", width - full, "", 100 * fraction,
                 bytes_done / elapsed / 1e9, elapsed / fraction - elapsed);
    if (bytes_done == bytes_in_all_) std::fputc('\n', stderr);
  }

 private:
  double bytes_in_all_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

// Sums are taken of the distance to the first row, which keeps the subtraction of large means out
// of the covariance.
column_statistics statistics(const npymap::array<const double>& x, index_t budget_bytes) {
  const index_t rows = x.extent(0), columns = x.extent(1);
  // A block of the map and a block of distances are in memory at once.
  const index_t block_rows = std::max<index_t>(1, budget_bytes / (2 * columns * x.itemsize()));
  const Eigen::RowVectorXd origin = npymap::as_matrix(x).row(0);

  Eigen::RowVectorXd sum = Eigen::RowVectorXd::Zero(columns);
  Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(columns, columns);
  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> distance;
  const progress_bar bar(static_cast<double>(x.size_bytes()));
  for (index_t first = 0; first < rows; first += block_rows) {
    const index_t last = std::min(rows, first + block_rows);
    const auto block = x(npymap::range(first, last));
    distance = npymap::as_matrix(block).rowwise() - origin;
    sum += distance.colwise().sum();
    gram.selfadjointView<Eigen::Lower>().rankUpdate(distance.transpose());
    block.advise(npymap::advice::dont_need);
    bar.show(static_cast<double>(last * columns * x.itemsize()));
  }

  const double n = static_cast<double>(rows);
  const Eigen::RowVectorXd mean = sum / n;
  gram.selfadjointView<Eigen::Lower>().rankUpdate(mean.transpose(), -n);
  Eigen::MatrixXd covariance = gram.selfadjointView<Eigen::Lower>();
  return {(origin + mean).transpose(), covariance / (n - 1)};
}

void save_matrix(const std::string& path, const Eigen::MatrixXd& values) {
  auto file = npymap::create<double>(path, {values.rows(), values.cols()});
  npymap::as_matrix(file) = values;
  file.close();
}

// The most memory that this process had at once, mapped pages of the file included.
long peak_kibibytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtol(line.c_str() + 6, nullptr, 10);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && !(argc == 5 && std::strcmp(argv[3], "--budget") == 0)) {
    std::fprintf(stderr, "usage: %s IN.npy OUT_FOLDER [--budget BYTES]\n", argv[0]);
    return 2;
  }
  try {
    const std::string folder = argv[2];
    const index_t budget_bytes = argc == 5 ? std::strtoll(argv[4], nullptr, 10) : index_t{64} << 20;

    const auto x = npymap::open<double>(argv[1]);
    x.advise(npymap::advice::sequential);
    const column_statistics found = statistics(x, budget_bytes);

    // Eigen sorts by increasing eigenvalue; the principal components are the last columns.
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(found.covariance);
    save_matrix(folder + "/means.npy", found.means);
    save_matrix(folder + "/covariance.npy", found.covariance);
    save_matrix(folder + "/variances.npy", solver.eigenvalues().reverse());
    save_matrix(folder + "/components.npy", solver.eigenvectors().rowwise().reverse());
    std::printf("peak_bytes %ld\n", peak_kibibytes() * 1024);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
    return 1;
  }
}
