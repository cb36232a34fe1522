#include <algorithm>
#include <array>
#include <cstddef>

#include <npymap/detail/loop_nest.hpp>
#include <npymap/float16.hpp>
#include <npymap/reduce.hpp>

namespace npymap::detail {
namespace {

// So many elements are added in lanes, which compilers vectorise; then sums of these in pairs.
constexpr index_t lanes = 16;
constexpr index_t chunk = 64 * lanes;

// Integers wrap, which only unsigned ones may.
template <class Total>
Total plus(const Total& a, const Total& b) {
  if constexpr (std::is_same_v<Total, std::int64_t>) {
    return static_cast<Total>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  } else {
    return a + b;
  }
}

/// Adds numbers pairwise, as they come: the sums of 1, 2, 4, ... of them wait for their like, as
/// the digits of a binary counter do.
template <class Total>
class pairwise_sum {
 public:
  void add(Total value) {
    std::size_t level = 0;
    for (; (count_ >> level & 1u) != 0; ++level) value = plus(waiting_[level], value);
    waiting_[level] = value;
    ++count_;
  }
  Total total() const {
    Total all{};
    for (std::size_t level = 0; level < waiting_.size(); ++level) {
      if ((count_ >> level & 1u) != 0) all = plus(waiting_[level], all);
    }
    return all;
  }

 private:
  std::array<Total, 64> waiting_{};
  std::size_t count_ = 0;
};

template <class Total, class T>
Total as_total(const T& value) {
  if constexpr (std::is_same_v<T, float16>) {
    return static_cast<Total>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<T, bool8>) {
    return static_cast<Total>(static_cast<bool>(value));
  } else {
    return static_cast<Total>(value);
  }
}

template <class Total, class Run>
Total sum_chunk(const Run& at, index_t count) {
  Total partial[lanes] = {};
  index_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (index_t lane = 0; lane < lanes; ++lane) {
      partial[lane] = plus(partial[lane], as_total<Total>(at(i + lane)));
    }
  }
  for (; i < count; ++i) partial[i % lanes] = plus(partial[i % lanes], as_total<Total>(at(i)));
  for (index_t half = lanes / 2; half > 0; half /= 2) {
    for (index_t lane = 0; lane < half; ++lane) {
      partial[lane] = plus(partial[lane], partial[lane + half]);
    }
  }
  return partial[0];
}

}  // namespace

template <class T>
typename sum_of<T>::type sum_piece(const view<const T>& elements) {
  using total = typename sum_of<T>::type;
  const layout_ref layouts[] = {elements.layout()};
  loop_nest nest(layouts);
  pairwise_sum<total> all;
  if (elements.empty()) return total{};
  visit_runs(
      nest,
      [&](index_t count, element_run<const T> run) {
        for (index_t done = 0; done < count; done += chunk) {
          const index_t now = std::min(chunk, count - done);
          if (run.is_dense()) {
            const T* const first = run.first + done;
            all.add(sum_chunk<total>([first](index_t i) { return first[i]; }, now));
          } else {
            const element_run<const T> rest{&run[done], run.step_bytes};
            all.add(sum_chunk<total>([rest](index_t i) { return rest[i]; }, now));
          }
        }
        return true;
      },
      elements.data());
  return all.total();
}

template sum_of<bool8>::type sum_piece(const view<const bool8>&);
template sum_of<std::int8_t>::type sum_piece(const view<const std::int8_t>&);
template sum_of<std::int16_t>::type sum_piece(const view<const std::int16_t>&);
template sum_of<std::int32_t>::type sum_piece(const view<const std::int32_t>&);
template sum_of<std::int64_t>::type sum_piece(const view<const std::int64_t>&);
template sum_of<std::uint8_t>::type sum_piece(const view<const std::uint8_t>&);
template sum_of<std::uint16_t>::type sum_piece(const view<const std::uint16_t>&);
template sum_of<std::uint32_t>::type sum_piece(const view<const std::uint32_t>&);
template sum_of<std::uint64_t>::type sum_piece(const view<const std::uint64_t>&);
// Where std::int64_t is long, these are types of their own.
template sum_of<long long>::type sum_piece(const view<const long long>&);
template sum_of<unsigned long long>::type sum_piece(const view<const unsigned long long>&);
template sum_of<float16>::type sum_piece(const view<const float16>&);
template sum_of<float>::type sum_piece(const view<const float>&);
template sum_of<double>::type sum_piece(const view<const double>&);
template sum_of<long double>::type sum_piece(const view<const long double>&);
template sum_of<std::complex<float>>::type sum_piece(const view<const std::complex<float>>&);
template sum_of<std::complex<double>>::type sum_piece(const view<const std::complex<double>>&);
template sum_of<std::complex<long double>>::type sum_piece(
    const view<const std::complex<long double>>&);

}  // namespace npymap::detail
