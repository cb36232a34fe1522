#include <algorithm>
#include <cstddef>

#include <npymap/convert.hpp>

#include "array/convert/number.hpp"
#include "array/convert/time_cast.hpp"

namespace npymap {
namespace {

// numpy.can_cast's order of kinds: same_kind goes up in it.
int kind_rank(dtype_kind kind) noexcept {
  switch (kind) {
    case dtype_kind::boolean:
      return 0;
    case dtype_kind::unsigned_integer:
      return 1;
    case dtype_kind::signed_integer:
      return 2;
    case dtype_kind::floating:
      return 3;
    default:
      return 4;
  }
}

// True if each value of `from` is one of `to`, as NumPy sees it: int64 in float64 counts as such.
bool is_safe_number(const dtype& from, const dtype& to) noexcept {
  const bool is_complex = to.kind() == dtype_kind::complex_floating;
  const index_t room = is_complex ? to.itemsize() / 2 : to.itemsize();
  const index_t size = from.itemsize();
  if (from.kind() == to.kind()) return size <= to.itemsize();
  if (kind_rank(from.kind()) > kind_rank(to.kind())) return false;
  switch (from.kind()) {
    case dtype_kind::boolean:
      return true;
    case dtype_kind::floating:
      return size <= room;
    default:  // an integer
      return to.kind() == dtype_kind::signed_integer ? size < room
                                                     : std::min<index_t>(2 * size, 8) <= room;
  }
}

bool can_cast_time(const dtype& from, const dtype& to, casting rule) noexcept {
  constexpr time_unit generic = time_unit::generic;
  if (from.step().unit == generic) return true;  // a bare count takes on any unit
  if (to.step().unit == generic) return rule == casting::unsafe;
  const bool is_date = from.kind() == dtype_kind::datetime;
  const bool same_scale =
      detail::is_calendar(from.step().unit) == detail::is_calendar(to.step().unit);
  if (!is_date && !same_scale) return false;  // a month of days has no length
  return rule != casting::safe || detail::is_finer(from.step(), to.step());
}

bool can_cast_record(const dtype& from, const dtype& to, casting rule) noexcept {
  if (from.fields().size() != to.fields().size()) return false;
  return std::ranges::all_of(to.fields(), [&](const field& target) {
    const auto source = std::ranges::find(from.fields(), target.name, &field::name);
    return source != from.fields().end() && source->subshape == target.subshape &&
           can_cast(source->type, target.type, rule);
  });
}

bool is_time(const dtype& type) noexcept {
  return type.kind() == dtype_kind::datetime || type.kind() == dtype_kind::timedelta;
}

bool is_int64(const dtype& type) noexcept {
  return type.kind() == dtype_kind::signed_integer && type.itemsize() == 8;
}

}  // namespace

bool can_cast(const dtype& from, const dtype& to, casting rule) noexcept {
  if (detail::number_index(from) && detail::number_index(to)) {
    return rule == casting::unsafe || is_safe_number(from, to) ||
           (rule == casting::same_kind && kind_rank(from.kind()) <= kind_rank(to.kind()));
  }
  // The ticks themselves, as numbers of no unit.
  if (rule == casting::unsafe &&
      ((is_time(from) && is_int64(to)) || (is_int64(from) && is_time(to))))
    return true;
  if (from.kind() != to.kind()) return false;
  switch (from.kind()) {
    case dtype_kind::datetime:
    case dtype_kind::timedelta:
      return can_cast_time(from, to, rule);
    case dtype_kind::bytes:
    case dtype_kind::unicode:
      return rule != casting::safe || from.itemsize() <= to.itemsize();
    case dtype_kind::raw:
      return from.itemsize() == to.itemsize();
    case dtype_kind::record:
      return can_cast_record(from, to, rule);
    default:
      return false;
  }
}

}  // namespace npymap
