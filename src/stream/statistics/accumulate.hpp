/// \file
/// How a ready-made pass goes over an array, whole or along an axis.
///
/// An accumulator starts empty, takes short dense rows of plain numbers by `add(first, count)`, and
/// another of its kind, whose elements come behind its own, by `add(other)`.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <npymap/array.hpp>
#include <npymap/blocks.hpp>
#include <npymap/error.hpp>
#include <npymap/reduce.hpp>
#include <npymap/source.hpp>
#include <npymap/statistics.hpp>
#include <npymap/view.hpp>

#include "array/array_access.hpp"
#include "io/aligned_buffer.hpp"
#include "stream/kernel/dense_chunks.hpp"
#include "stream/progress_meter.hpp"
#include "stream/statistics/along_axis.hpp"

namespace npymap::detail {

template <class Accumulator, class T>
Accumulator accumulate(const source& x, const pass_options& options) {
  return reduce<T>(
      x, Accumulator(),
      [](const view<const T>& piece) {
        Accumulator all;
        for_each_chunk(piece,
                       [&](const plain_number<T>* first, index_t count) { all.add(first, count); });
        return all;
      },
      [](Accumulator a, const Accumulator& b) {
        a.add(b);
        return a;
      },
      options);
}

/// Add a stretch of neighbouring rows, which are those of a matrix, to `into(i)`.
template <class T, class Into>
void add_rows(const view<const T>& rows, const Into& into) {
  constexpr index_t at_once = 1024;  // times the rows of a part: what stays in a cache
  thread_local std::vector<T> gathered;
  const index_t count = rows.extent(1);
  const bool is_dense = rows.byte_stride(1) == static_cast<index_t>(sizeof(T));
  for (index_t begin = 0; begin < count; begin += at_once) {
    const index_t now = std::min(at_once, count - begin);
    view<const T> part = rows(range(0, rows.extent(0)), range(begin, begin + now));
    if (!is_dense) {
      gathered.resize(static_cast<std::size_t>(part.size()));
      const view<T> dense(gathered.data(), part.shape());
      copy(part, dense);
      part = dense;
    }
    for (index_t i = 0; i < part.extent(0); ++i) {
      const T* const row = displaced(part.data(), i * part.byte_stride(0));
      if constexpr (std::is_same_v<T, plain_number<T>>) {
        into(i).add(row, now);
      } else {
        plain_number<T> numbers[at_once];
        gather<T>(numbers, {row, sizeof(T)}, now);
        into(i).add(static_cast<const plain_number<T>*>(numbers), now);
      }
    }
  }
}

/// \throws error ENOMEM, which an axis without elements beside long ones asks for
template <class Accumulator>
std::vector<Accumulator> accumulators(index_t count) try {
  return std::vector<Accumulator>(static_cast<std::size_t>(count));
} catch (const std::exception&) {  // bad_alloc, or length_error
  throw error({ENOMEM, std::system_category()},
              {.subject = "results along an axis", .found = std::to_string(count)});
}

/// For each row along an axis, in the C order of the other axes.
template <class Accumulator, class T>
std::vector<Accumulator> accumulate(const source& x, along given, const pass_options& options) {
  const int axis = checked_axis_of(x.shape(), given.axis);
  auto all = accumulators<Accumulator>(element_count(without_axis(x.shape(), axis)).value_or(0));
  progress_meter meter(options, static_cast<std::uint64_t>(x.size_bytes()));
  for (const block<T>& b : blocks<T>(x, {.budget_bytes = options.budget_bytes})) {
    meter.throw_if_stopped();
    const row_parts parts(x.shape(), axis, b.start(), b.layout());
    const auto rows_of = [&](const row_part& part) {
      return view<const T>(displaced(b.data(), part.offset_bytes), {part.rows, part.count},
                           strides{part.row_stride, part.step});
    };
    const auto place = [](const row_part& part, index_t i) {
      return static_cast<std::size_t>(part.first_row + i * part.row_step);
    };
    if (parts.have_whole_rows()) {
      in_threads(parts.count(), options, [&](index_t n) {
        const row_part part = parts.at(n);
        add_rows(rows_of(part), [&](index_t i) -> Accumulator& { return all[place(part, i)]; });
      });
    } else {
      std::vector<std::vector<Accumulator>> found(static_cast<std::size_t>(parts.count()));
      in_threads(parts.count(), options, [&](index_t n) {
        const row_part part = parts.at(n);
        auto& mine = found[static_cast<std::size_t>(n)];
        mine.resize(static_cast<std::size_t>(part.rows));
        add_rows(rows_of(part),
                 [&](index_t i) -> Accumulator& { return mine[static_cast<std::size_t>(i)]; });
      });
      for (index_t n = 0; n < parts.count(); ++n) {
        const row_part part = parts.at(n);
        for (index_t i = 0; i < part.rows; ++i) {
          all[place(part, i)].add(found[static_cast<std::size_t>(n)][static_cast<std::size_t>(i)]);
        }
      }
    }
    meter.add(static_cast<std::uint64_t>(b.size() * x.dtype().itemsize()));
  }
  meter.finish();
  return all;
}

/// The values of rows as an array in memory.
template <class R, class Accumulator, class Finish>
array<R> array_of(const source& x, along axis, const std::vector<Accumulator>& rows,
                  Finish finish) {
  header facts;
  facts.dtype = dtype_of<R>();
  facts.shape = without_axis(x.shape(), axis.axis);
  const any_array values =
      array_access::over(io::aligned_buffer(rows.size() * sizeof(R)), {}, facts);
  auto* to = reinterpret_cast<R*>(values.data());
  for (const Accumulator& row : rows) *to++ = finish(row);
  return values.as<R>();
}

}  // namespace npymap::detail
