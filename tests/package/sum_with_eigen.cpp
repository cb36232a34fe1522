#include <cstdio>

#include <npymap/eigen.hpp>
#include <npymap/npymap.hpp>

int main() {
  {
    auto made = npymap::create<double>("eigen.npy", {3, 4});
    npymap::as_matrix(made).setConstant(5.5);
  }
  const auto opened = npymap::open<double>("eigen.npy");
  return npymap::as_matrix(opened).sum() == 66 ? std::remove("eigen.npy") : 1;
}
