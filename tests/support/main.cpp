#include <iostream>

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include "support/skip.hpp"

namespace {
int skips = 0;
}  // namespace

void npymap_test::note_skip(std::string_view why) {
  ++skips;
  std::cout << "skipped: " << why << std::endl;
}

int main(int argc, char** argv) {
  const int result = Catch::Session().run(argc, argv);
  return result == 0 && skips > 0 ? npymap_test::skipped_exit_code : result;
}
