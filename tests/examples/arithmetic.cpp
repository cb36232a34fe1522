// How green each pixel of a satellite's image is, from its near infrared and its red band:
//
//   arithmetic NEAR_INFRARED.npy RED.npy OUT.npy
//
// (nir - red) / (nir + red), element by element, from two files of integers or floats to a third of
// float32, all larger than memory.

#include <cstdio>
#include <exception>

#include <npymap/npymap.hpp>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s NEAR_INFRARED.npy RED.npy OUT.npy\n", argv[0]);
    return 2;
  }
  try {
    // As float32, whatever the files hold: each piece is converted on its way.
    const auto near_infrared = npymap::typed_source<float>(npymap::open(argv[1]));
    const auto red = npymap::typed_source<float>(npymap::open(argv[2]));
    auto out = npymap::create<float>(argv[3], near_infrared.shape());
    npymap::transform(npymap::inputs(near_infrared, red), npymap::outputs(out),
                      [](float nir, float r, float& index) { index = (nir - r) / (nir + r); },
                      {.budget_bytes = 16 << 20});
    out.close();  // reports what a destructor cannot
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
    return 1;
  }
}
