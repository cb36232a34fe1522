/// \file
/// An array a few rows at a time, in random order: what training on data larger than memory needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/detail/shared.hpp>
#include <npymap/dtype.hpp>
#include <npymap/gather.hpp>
#include <npymap/shape.hpp>
#include <npymap/view.hpp>

namespace npymap {

/// How to go through the rows of an array.
struct batch_options {
  /// How many rows a batch has, the last one perhaps fewer.
  index_t batch_size = 256;
  /// Decide the order, together with the number of rows: the same on every machine and for any
  /// memory and threads, another for each epoch.
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
  /// False for the order of the file.
  bool shuffle = true;
  /// Whether the rows within a batch are in the order of the file.
  bool sorted = false;
  /// Whether rows that do not fill a last batch are left out.
  bool drop_last = false;
  /// What stays in memory at most: the batch at hand, the one that is read ahead, and scratch.
  std::uint64_t budget_bytes = std::uint64_t{256} << 20;
  /// How many threads read and decode, no more than the machine has; all of these when left out.
  std::optional<int> threads = {};
};

namespace detail {

/// The engine: chooses rows, and gathers the next batch in a thread of its own. Asked for one batch
/// after another, from one thread at a time.
class NPYMAP_EXPORT batch_stream : public counted {
 public:
  /// \throws error as `batches`
  static shared<batch_stream> over(const row_source& from, const dtype& wanted,
                                   const batch_options& options);

  virtual index_t count() const noexcept = 0;
  /// Make batch `n` the one at hand. That before is gone. \throws error as `gather`
  virtual void go_to(index_t n) = 0;
  virtual std::span<const index_t> rows() const noexcept = 0;
  virtual const std::byte* data() const noexcept = 0;
  virtual const shape& extents() const noexcept = 0;
};

}  // namespace detail

/// A batch: native, aligned, dense rows of an array, in C order, until the next batch is asked for.
template <element T>
class batch : public view<const T> {
 public:
  batch() = default;

  /// Which rows of the array these are.
  std::span<const index_t> rows() const noexcept { return rows_; }

 private:
  template <element U>
  friend class batch_range;

  explicit batch(const detail::batch_stream& stream)
      : view<const T>(reinterpret_cast<const T*>(stream.data()), stream.extents()),
        rows_(stream.rows()) {}

  std::span<const index_t> rows_;
};

/// The batches of an array, to be walked from the first to the last, again if need be: see
/// `batches`.
///
/// Owns a share of the array's mapping, two batches of memory and a thread, until it and its
/// iterators are destroyed. Not safe to use from two threads.
template <element T>
class batch_range {
 public:
  class iterator;

  explicit batch_range(detail::shared<detail::batch_stream> stream) : stream_(std::move(stream)) {}

  /// How many batches there are.
  index_t size() const noexcept { return stream_->count(); }
  bool empty() const noexcept { return size() == 0; }
  /// Reads the first batch. \throws error as `gather`
  iterator begin() const { return iterator(stream_); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  static batch<T> go_to(detail::batch_stream& stream, index_t n) {
    stream.go_to(n);
    return batch<T>(stream);
  }

  detail::shared<detail::batch_stream> stream_;
};

/// An input iterator: going on makes the batch before invalid.
template <element T>
class batch_range<T>::iterator {
 public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = batch<T>;
  using difference_type = index_t;

  iterator() = default;

  const batch<T>& operator*() const noexcept { return batch_; }
  const batch<T>* operator->() const noexcept { return &batch_; }
  iterator& operator++() {
    if (++position_ < stream_->count()) batch_ = batch_range::go_to(*stream_, position_);
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const iterator& it, std::default_sentinel_t) noexcept {
    return it.position_ >= it.stream_->count();
  }

 private:
  friend class batch_range;

  explicit iterator(detail::shared<detail::batch_stream> stream) : stream_(std::move(stream)) {
    if (stream_->count() > 0) batch_ = batch_range::go_to(*stream_, 0);
  }

  detail::shared<detail::batch_stream> stream_;
  index_t position_ = 0;
  batch<T> batch_;
};

/// Go through the rows of an array in batches, each row once, in random order.
///
/// The next batch is read, with many reads under way, while the caller works on this one. The order
/// is computed as it is needed and takes no memory, whatever the number of rows. Another epoch:
/// the same with another `epoch`. Example: `for (const auto& b : npymap::batches(x, {.seed = 7}))
/// learn(npymap::as_matrix(b), b.rows());`
/// \throws error layout_mismatch for rank 0; invalid_argument for a batch of no rows, and for a
/// budget below what is needed, which it names
template <element T>
batch_range<std::remove_const_t<T>> batches(const array<T>& x, const batch_options& options = {}) {
  const dtype type = dtype_of<T>();
  return batch_range<std::remove_const_t<T>>(detail::batch_stream::over(
      {x, type, reinterpret_cast<const std::byte*>(x.data()), x.layout()}, type, options));
}

/// The same of any dtype that `convert` makes a T of by the rule `same_kind`.
/// \throws error also dtype_mismatch
template <element T>
batch_range<std::remove_const_t<T>> batches(const any_array& x, const batch_options& options = {}) {
  return batch_range<std::remove_const_t<T>>(
      detail::batch_stream::over({x, x.dtype(), x.data(), x.layout()}, dtype_of<T>(), options));
}

}  // namespace npymap
