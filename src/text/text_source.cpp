#include "text/text_source.hpp"

#include <array>

#include <npymap/error.hpp>
#include <npymap/file_map.hpp>

namespace npymap::text {

text_source::text_source(const std::string& path, std::uint64_t keep_bytes)
    : file_(io::file::open(path, open_mode::read)),
      file_bytes_(file_.size_bytes()),
      lets_go_(file_bytes_ > keep_bytes) {
  begin();
}

void text_source::begin() {
  std::array<std::byte, 2> start{};
  const std::size_t got = file_.read_at(start, 0);
  offset_ = 0;
  unpacked_.reset();
  if (deflate::begins_as_gzip(std::span(start).first(got))) {
    unpacked_.emplace([this](std::span<std::byte> out) { return read_file(out); });
  }
}

void text_source::rewind() { begin(); }

std::size_t text_source::read_file(std::span<std::byte> out) {
  const std::size_t got = file_.read_at(out, offset_);
  file_.read_ahead(offset_ + got, out.size());
  if (lets_go_) file_.forget(offset_, got);
  offset_ += got;
  return got;
}

std::size_t text_source::read(std::span<char> out) try {
  const auto bytes = std::as_writable_bytes(out);
  return unpacked_ ? unpacked_->read(bytes) : read_file(bytes);
} catch (const error& e) {
  throw e.in_file(path());
}

}  // namespace npymap::text
