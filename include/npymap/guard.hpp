/// \file
/// Faults of mapped memory that become errors.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include <npymap/detail/export.hpp>
#include <npymap/file_map.hpp>

namespace npymap {

/// A scope in which this thread survives pages of a map that the system cannot give: those of a
/// file that somebody truncated, that the disk cannot read, or for whose blocks it is too full.
///
/// Outside of such a scope each is a SIGBUS, which ends the process. Inside, such pages read as
/// zeros, and what is written to them is lost; `finish` tells. Only faults of the thread that made
/// the guard are caught, and only in its map; guards nest, of one map and of several. Other faults
/// go to the handler that was there before, and when no guard lives, npymap has no handler. While a
/// guard of another thread holds such a page, threads without one see its zeros too. Owns a share
/// of the mapping. Costs under a microsecond, and nothing for each page.
class NPYMAP_EXPORT guard {
 public:
  /// A map of nothing, or of no bytes, has no faults.
  explicit guard(const file_map& map);
  guard(guard&& other) noexcept
      : map_(std::move(other.map_)),
        place_(std::exchange(other.place_, nullptr)),
        faults_before_(other.faults_before_) {}
  guard& operator=(guard&&) = delete;
  /// Ends the scope without a word; `finish` is the way to learn of a fault.
  ~guard();

  /// True if a page was missing since the scope began.
  bool has_faulted() const noexcept;

  /// End the scope. Doing it again does nothing. \throws error truncated, also when the file is
  /// shorter than the map though nobody touched what it lacks, or of the system: EIO for what
  /// cannot be read, ENOSPC for a hole that cannot be filled; each with the first byte touched in
  /// vain
  void finish();

 private:
  void end() noexcept;

  file_map map_;
  void* place_ = nullptr;  // among the guards that live
  std::uint64_t faults_before_ = 0;
};

/// Call `f` in a guard of a map, and hand over its result.
///
/// When a page was missing, what `f` made of it is discarded, an exception too, and the fault
/// thrown. \throws error as `guard::finish`; what `f` throws
template <class F>
auto guarded(const file_map& map, F&& f) {
  guard scope(map);
  try {
    if constexpr (std::is_void_v<decltype(f())>) {
      f();
      scope.finish();
    } else {
      auto result = f();
      scope.finish();
      return result;
    }
  } catch (...) {
    scope.finish();
    throw;
  }
}

/// The same of several maps.
template <class F>
auto guarded(std::span<const file_map> maps, F&& f) {
  if (maps.empty()) return f();
  return guarded(maps[0], [&] { return guarded(maps.subspan(1), f); });
}

/// The same of an array's map: `guarded(x, [&] { return as_matrix(x).sum(); })`. An array in memory
/// has no faults.
template <class Array, class F>
requires requires(const Array& x) {
  { x.is_mapped() } -> std::same_as<bool>;
  x.map();
}
auto guarded(const Array& x, F&& f) {
  return guarded(x.is_mapped() ? x.map() : file_map(), std::forward<F>(f));
}

}  // namespace npymap
