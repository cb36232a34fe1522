// Column means, covariance and principal components of a matrix larger than memory:
//
//   principal_components IN.npy OUT_FOLDER
//
// One pass on all cores, in 64 MiB whatever the file's size. Results are written as .npy files.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>

#include <Eigen/Eigenvalues>

#include <npymap/eigen.hpp>
#include <npymap/eigen_passes.hpp>
#include <npymap/npymap.hpp>

namespace {

class progress_bar {
 public:
  void operator()(const npymap::pass_progress& now) const {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begun_;
    const double done = static_cast<double>(now.done_bytes), s = elapsed.count();
    const double fraction = done / static_cast<double>(now.total_bytes);
    const int width = 40, full = static_cast<int>(fraction * width);
    std::fprintf(stderr, "\r[%.*s%*s] %3.0f %%  %5.2f GB/s  %4.1f s left ", full,
                 "########################################", width - full, "", 100 * fraction,
                 done / s / 1e9, s / fraction - s);
    if (now.done_bytes == now.total_bytes) std::fputc('\n', stderr);
  }

 private:
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

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
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s IN.npy OUT_FOLDER\n", argv[0]);
    return 2;
  }
  try {
    const std::string folder = argv[2];
    const auto x = npymap::open<double>(argv[1]);
    if (x.empty()) throw std::runtime_error("no elements");
    const auto found =
        npymap::covariance(x, {}, {.budget_bytes = 64 << 20, .progress = progress_bar()});

    // Eigen sorts by increasing eigenvalue; the principal components are the last columns.
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(found.covariance);
    npymap::save(folder + "/means.npy", found.mean);
    npymap::save(folder + "/covariance.npy", found.covariance);
    npymap::save(folder + "/variances.npy", solver.eigenvalues().reverse());
    npymap::save(folder + "/components.npy", solver.eigenvectors().rowwise().reverse());
    std::printf("peak_bytes %ld\n", peak_kibibytes() * 1024);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
    return 1;
  }
}
