/// \file
/// Sums of short dense rows, in twice the precision.
#pragma once

#include <complex>
#include <type_traits>

#include <npymap/shape.hpp>

#include "stream/kernel/lanes.hpp"

namespace npymap::detail {

/// What a sum takes of a number: itself, or its square.
enum class term : char { itself, squared };

/// Sums of the numbers at even and at odd places: of the parts of complex numbers.
template <class Real>
struct two_sums {
  twofold<Real> even;
  twofold<Real> odd;
};

template <term Term, class S, class Registers>
NPYMAP_KERNEL two_sums<wide_real<S>> sums_of(Registers, const S* x, index_t count) {
  using real = wide_real<S>;
  two_sums<real> all;
  index_t i = 0;
  if constexpr (!std::is_same_v<S, long double>) {
    using group = lanes<S, Registers::bytes>;
    using real_vector = typename group::real_vector;
    twofold<real_vector> a, b;  // two at once, because each addition waits for the one before
    for (; i + 2 * group::count <= count; i += 2 * group::count) {
      real_vector v, w;
      group::load_wide(v, x + i);
      group::load_wide(w, x + i + group::count);
      a.add(Term == term::squared ? v * v : v);
      b.add(Term == term::squared ? w * w : w);
    }
    for (int lane = 0; lane < group::count; lane += 2) {
      all.even.add(twofold<real>{a.high[lane], a.low[lane]});
      all.even.add(twofold<real>{b.high[lane], b.low[lane]});
      all.odd.add(twofold<real>{a.high[lane + 1], a.low[lane + 1]});
      all.odd.add(twofold<real>{b.high[lane + 1], b.low[lane + 1]});
    }
  }
  for (; i < count; ++i) {
    const auto v = static_cast<real>(x[i]);
    (i % 2 == 0 ? all.even : all.odd).add(Term == term::squared ? v * v : v);
  }
  return all;
}

}  // namespace npymap::detail
