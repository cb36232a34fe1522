/// \file
/// Where rows go that come from all over a text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <npymap/any_array.hpp>
#include <npymap/dtype.hpp>
#include <npymap/file_map.hpp>
#include <npymap/shape.hpp>

#include "io/aligned_buffer.hpp"
#include "io/bounded_writes.hpp"
#include "io/new_file.hpp"

namespace npymap::text {

/// Takes rows of one size in any order, each once, from any thread.
class row_sink {
 public:
  virtual ~row_sink() = default;
  /// Before any row: how large they are, and about how many there will be, if anybody knows.
  virtual void begin(index_t row_bytes, std::optional<std::uint64_t> rows) = 0;
  virtual void put(index_t first, std::span<const std::byte> rows) = 0;
};

/// Of fields' lengths, the longest.
class longest_sink final : public row_sink {
 public:
  void begin(index_t, std::optional<std::uint64_t>) override {}
  void put(index_t first, std::span<const std::byte> rows) override;
  std::int64_t longest() const noexcept { return longest_; }

 private:
  std::mutex changing_;
  std::int64_t longest_ = 0;
};

/// Rows in memory.
class memory_sink final : public row_sink {
 public:
  void begin(index_t row_bytes, std::optional<std::uint64_t> rows) override;
  void put(index_t first, std::span<const std::byte> rows) override;
  /// The first so many rows, in one piece, as an array.
  any_array finish(const dtype& type, const shape& extents, const std::string& path);

 private:
  struct segment {
    std::uint64_t begin;
    io::aligned_buffer memory;
    std::uint64_t end() const { return begin + memory.size_bytes(); }
  };
  void grow(std::uint64_t bytes);
  io::aligned_buffer gathered(std::uint64_t bytes);

  std::uint64_t row_bytes_ = 0;
  std::uint64_t expected_bytes_ = 0;
  std::mutex changing_;
  std::vector<segment> segments_;  // one behind the other
};

/// Rows in a new `.npy` file.
class npy_sink final : public row_sink {
 public:
  /// Of rows that are records, or of numbers. Memory: `buffer_bytes` on their way to the disk.
  npy_sink(const std::string& path, const dtype& type, std::uint64_t buffer_bytes);
  /// Before `begin`: how many axes there will be, or all of the shape.
  void expect(const shape& extents);
  void begin(index_t row_bytes, std::optional<std::uint64_t> rows) override;
  void put(index_t first, std::span<const std::byte> rows) override;
  void finish(const shape& extents, durability how_safe);

 private:
  void move_elements(std::uint64_t to, std::uint64_t n);

  const dtype type_;
  io::new_file fresh_;
  io::bounded_writes writes_;
  std::uint64_t head_bytes_ = 0;
  std::uint64_t row_bytes_ = 0;
};

}  // namespace npymap::text
