#include <algorithm>
#include <array>
#include <future>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <npymap/batches.hpp>
#include <npymap/error.hpp>

#include "io/aligned_buffer.hpp"
#include "stream/rows/shuffled_order.hpp"
#include "stream/threads.hpp"

namespace npymap::detail {
namespace {

// Batches of less are read sooner than a thread is started.
constexpr index_t worth_a_thread_bytes = 64 << 10;

class gathered_batches final : public batch_stream {
 public:
  gathered_batches(const row_source& from, dtype wanted, const batch_options& options)
      : storage_(from.storage),
        type_(from.type),
        data_(from.data),
        shape_(from.where.shape),
        byte_strides_(from.where.byte_strides),
        wanted_(std::move(wanted)),
        options_(options),
        order_(shape_[0], options.seed, options.epoch),
        largest_(std::min(options.batch_size, shape_[0])) {
    shape one = shape_;
    one[0] = largest_;
    batch_bytes_ = batch_bytes(one);
    for (batch_memory& place : memory_) {
      place.bytes = io::aligned_buffer(static_cast<std::size_t>(batch_bytes_));
      place.rows.reserve(static_cast<std::size_t>(largest_));
    }
  }
  ~gathered_batches() override {
    stop_.request_stop();
    if (ahead_.valid()) ahead_.wait();
  }

  index_t count() const noexcept override {
    const index_t whole = shape_[0] / options_.batch_size;
    return whole + (!options_.drop_last && shape_[0] % options_.batch_size != 0 ? 1 : 0);
  }

  void go_to(index_t n) override {
    if (ahead_.valid() && ahead_of_ == n) {
      ahead_.get();
    } else {
      if (ahead_.valid()) ahead_.wait();
      ahead_ = {};
      prepare(n);
    }
    at_hand_ = n;
    extents_ = shape_;
    extents_[0] = static_cast<index_t>(rows().size());
    if (n + 1 < count() && batch_bytes_ >= worth_a_thread_bytes) {
      ahead_of_ = n + 1;
      ahead_ = std::async(in_a_thread_if_any, [this, n] { prepare(n + 1); });
    }
  }

  std::span<const index_t> rows() const noexcept override { return memory_of(at_hand_).rows; }
  const std::byte* data() const noexcept override { return memory_of(at_hand_).bytes.data(); }
  const shape& extents() const noexcept override { return extents_; }

 private:
  struct batch_memory {
    io::aligned_buffer bytes;
    std::vector<index_t> rows;
  };
  struct share : array_storage {  // whose constructors are for its kin
    explicit share(const array_storage& other) : array_storage(other) {}
  };

  batch_memory& memory_of(index_t n) noexcept { return memory_[static_cast<std::size_t>(n % 2)]; }
  const batch_memory& memory_of(index_t n) const noexcept {
    return memory_[static_cast<std::size_t>(n % 2)];
  }

  // Two batches, and as much again for one that is decoded.
  index_t batch_bytes(const shape& one) const {
    const auto bytes = array_bytes(one, wanted_.itemsize());
    const auto each = static_cast<std::uint64_t>(largest_) * sizeof(index_t) +
                      static_cast<std::uint64_t>(bytes.value_or(0));
    if (!bytes || each > options_.budget_bytes / 3) {
      throw error(errc::invalid_argument,
                  {.path = storage_.path(),
                   .subject = "budget_bytes of batches",
                   .expected = bytes ? fmt::format("at least {}, for three batches", each * 3)
                                     : "room for three batches, which nothing has",
                   .found = fmt::format("{}", options_.budget_bytes)});
    }
    return *bytes;
  }

  void choose_rows(index_t n, std::vector<index_t>& rows) const {
    const index_t first = n * options_.batch_size;
    rows.resize(static_cast<std::size_t>(std::min(options_.batch_size, shape_[0] - first)));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const index_t place = first + static_cast<index_t>(i);
      rows[i] = options_.shuffle ? order_[place] : place;
    }
    if (options_.sorted) std::ranges::sort(rows);
  }

  void prepare(index_t n) {
    batch_memory& to = memory_of(n);
    choose_rows(n, to.rows);
    shape extents = shape_;
    extents[0] = static_cast<index_t>(to.rows.size());
    const strides steps = dense_byte_strides(extents, wanted_.itemsize(), order::c);
    const std::uint64_t left = options_.budget_bytes - 2 * static_cast<std::uint64_t>(batch_bytes_);
    gather_rows({storage_, type_, data_, {shape_, byte_strides_, type_.itemsize()}}, to.rows,
                wanted_, {to.bytes.data(), {extents, steps, wanted_.itemsize()}},
                {.budget_bytes = left, .threads = options_.threads, .stop = stop_.get_token()});
  }

  const share storage_;
  const dtype type_;
  const std::byte* const data_;
  const shape shape_;
  const strides byte_strides_;
  const dtype wanted_;
  const batch_options options_;
  const shuffled_order order_;
  const index_t largest_;
  index_t batch_bytes_ = 0;
  std::array<batch_memory, 2> memory_;
  index_t at_hand_ = 0;
  shape extents_;
  std::stop_source stop_;
  index_t ahead_of_ = -1;
  std::future<void> ahead_;
};

}  // namespace

shared<batch_stream> batch_stream::over(const row_source& from, const dtype& wanted,
                                        const batch_options& options) {
  if (options.batch_size < 1) {
    throw error(errc::invalid_argument, {.subject = "batch_size of batches",
                                         .expected = "at least 1",
                                         .found = fmt::format("{}", options.batch_size)});
  }
  gather_rows(from, {}, wanted, {.threads = options.threads});  // asks all else that may be wrong
  return shared<batch_stream>::adopt(new gathered_batches(from, wanted, options));
}

}  // namespace npymap::detail
