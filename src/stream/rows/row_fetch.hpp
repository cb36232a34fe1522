/// \file
/// Bytes from many places of a file, with many reads under way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>

#include <npymap/detail/array_storage.hpp>
#include <npymap/file_map.hpp>
#include <npymap/shape.hpp>

namespace npymap::detail {

/// The elements of an array as bytes, wherever they live. Safe to use from any thread.
class byte_source {
 public:
  explicit byte_source(const array_storage& storage);

  /// True if reading costs no system call.
  bool is_memory() const noexcept { return way_ == way::memory; }
  /// To be `guarded` where rows are looked at in place; none in memory.
  const file_map& map() const noexcept { return storage_.map(); }
  /// Read if that needs no disk, and say so; else have the disk begin.
  bool try_read(const std::byte* from, std::span<std::byte> out) const;
  /// \throws error truncated, the system's
  void read(const std::byte* from, std::span<std::byte> out) const;
  /// Bring a range into memory, to be looked at where it is mapped; not needed, but sooner done.
  /// \throws error as `read`
  void populate(const std::byte* from, std::size_t n) const;

 private:
  // Edits of mode c are in the pages of the map and nowhere else.
  enum class way : char { memory, map, file };

  struct share : array_storage {  // whose constructors are for its kin
    explicit share(const array_storage& other) : array_storage(other) {}
  };

  bool is_cached(const std::byte* from, std::size_t n) const;
  std::size_t place_in_map(const std::byte* from) const noexcept;

  share storage_;
  way way_;
};

/// One of many pieces of equal size: where it begins, from an origin, and where its copy goes.
struct row_place {
  index_t offset_bytes;
  index_t slot;
};

/// What to copy where.
struct row_copy {
  const std::byte* from;
  index_t from_offset_bytes;  ///< of what is at `from`
  std::size_t row_bytes;
  std::byte* slots;
  index_t slot_step_bytes;
  file_map slots_map;  ///< of the slots, if they are in one: guarded, too
};

struct fetch_limit {
  int threads;
  std::uint64_t budget_bytes;  ///< of what is read ahead
  std::stop_token stop;
};

/// The longest read at once.
inline constexpr std::size_t longest_read_bytes = std::size_t{1} << 20;

/// Copy each row into its slot. Reorders `rows`, by where they lie in the file.
///
/// Where the rows are a good part of the bytes between the first and the last of them, and these
/// fit the budget, all of that is brought into memory. Else neighbours are read together, and each
/// thread has some dozens of reads under way, without another thread for each: what is not in
/// memory is asked for, and taken when it has had time to come. \throws error as
/// `byte_source::read`, stopped
void fetch_rows(const byte_source& source, const row_copy& copy, std::span<row_place> rows,
                const fetch_limit& limit);

}  // namespace npymap::detail
