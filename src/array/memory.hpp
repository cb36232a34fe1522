/// \file
/// Memory that a file was read into, shared by the arrays over it.
#pragma once

#include <string>
#include <utility>

#include <npymap/detail/shared.hpp>

#include "io/aligned_buffer.hpp"

namespace npymap::detail {

class memory final : public counted {
 public:
  memory(io::aligned_buffer bytes, std::string path)
      : bytes_(std::move(bytes)), path_(std::move(path)) {}

  std::byte* data() noexcept { return bytes_.data(); }
  /// The file that was read.
  const std::string& path() const noexcept { return path_; }

 private:
  io::aligned_buffer bytes_;
  std::string path_;
};

}  // namespace npymap::detail
