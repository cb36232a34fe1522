/// \file
/// What a call fails with.
#pragma once

#include <string>
#include <system_error>

#include <npymap/error.hpp>

namespace npymap_test {

/// The code of the error that `f` throws; no error when it throws none.
template <class F>
std::error_code code_of(F&& f) {
  try {
    f();
  } catch (const npymap::error& e) {
    return e.code();
  }
  return {};
}

/// Its message, or "nothing was thrown".
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const npymap::error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace npymap_test
