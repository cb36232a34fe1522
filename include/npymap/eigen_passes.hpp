/// \file
/// Linear algebra of matrices larger than memory: Gram matrix, covariance, product.
///
/// Sources are arrays of any layout and of any dtype that `convert` makes a T of by the rule
/// `same_kind`, or files that are not mapped; complex ones want a complex T. The bits of a result
/// depend on the sources, the budget and the processor, not on how many threads there are. Eigen
/// multiplies with the vector instructions that the caller compiles for (`-march`).
/// `pass_options::pieces` says nothing here. Safe to call from several threads at once.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <Eigen/Core>

#include <npymap/array.hpp>
#include <npymap/blocks.hpp>
#include <npymap/detail/matrix_walk.hpp>
#include <npymap/dtype.hpp>
#include <npymap/eigen.hpp>
#include <npymap/error.hpp>
#include <npymap/pass.hpp>
#include <npymap/shape.hpp>
#include <npymap/slice.hpp>
#include <npymap/source.hpp>
#include <npymap/view.hpp>

namespace npymap {

namespace detail {

template <class T>
inline constexpr bool is_matrix_number = std::floating_point<T>;
template <class Part>
inline constexpr bool is_matrix_number<std::complex<Part>> = std::floating_point<Part>;

}  // namespace detail

/// Numbers whose matrices Eigen multiplies: float, double, long double, and std::complex of these.
template <class T>
concept matrix_number = detail::is_matrix_number<T>;

template <matrix_number T>
using square_matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;

/// What one pass finds out about the columns of a matrix.
template <matrix_number T>
struct column_moments {
  index_t count = 0;                         ///< of rows
  Eigen::Matrix<T, Eigen::Dynamic, 1> mean;  ///< of each column; NaN of no rows
  square_matrix<T> covariance;               ///< of each column with each
};

/// How to make covariances of sums of products.
struct covariance_options {
  /// These are divided by the number of rows less so many: 1 for rows that are a sample, 0 for rows
  /// that are all there are. NumPy: `ddof`.
  int ddof = 1;
};

namespace detail {

template <class T>
using column_vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;

/// Columns that lie next to one another, of the rows that have come so far.
template <class T>
class column_panel {
 public:
  column_panel(index_t first, index_t columns)
      : first_(first),
        columns_(columns),
        origin_(column_vector<T>::Zero(columns)),
        mean_(column_vector<T>::Zero(columns)) {}

  index_t first() const noexcept { return first_; }
  index_t columns() const noexcept { return columns_; }
  column_vector<T> mean() const { return origin_ + mean_; }

  /// Rows, turned into columns.
  square_matrix<T> turned(const view<const T>& rows) const {
    square_matrix<T> columns(columns_, rows.extent(0));
    copy(rows(all, range(first_, first_ + columns_)).transpose(), as_view(columns));
    return columns;
  }

  /// The same as distances to their mean; one column more brings the sum of their products to what
  /// it is about the mean of all, of which `before` came before (Chan, Golub and LeVeque).
  square_matrix<T> turned_distances(const view<const T>& rows, index_t before) {
    const index_t n = rows.extent(0);
    square_matrix<T> columns(columns_, n + 1);
    auto distances = columns.leftCols(n);
    copy(rows(all, range(first_, first_ + columns_)).transpose(), as_view(distances));
    if (before == 0) origin_ = distances.col(0).array().isFinite().select(distances.col(0), T(0));
    distances.colwise() -= origin_;
    const column_vector<T> mean = distances.rowwise().mean();
    distances.colwise() -= mean;
    columns.col(n) = merge_mean(mean, before, n);
    return columns;
  }

  /// Take in `n` rows of another; returns what that misses of the sum of their products.
  column_vector<T> merge(const column_panel& other, index_t before, index_t n) {
    if (before == 0) origin_ = other.origin_;
    return merge_mean(other.mean_ + (other.origin_ - origin_), before, n);
  }

 private:
  using real = typename Eigen::NumTraits<T>::Real;

  column_vector<T> merge_mean(const column_vector<T>& other, index_t before, index_t n) {
    const real share = real(n) / real(before + n);
    const column_vector<T> apart = other - mean_;
    mean_ += share * apart;
    return std::sqrt(real(before) * share) * apart;
  }

  index_t first_;
  index_t columns_;
  column_vector<T> origin_;  // the first row, so that large means take no digits of small spreads
  column_vector<T> mean_;    // from there
};

/// What one task adds to: the sums of x_i conj(x_j), for columns i of one panel and j of another,
/// in a matrix that it shares with others. It knows of no other task, not even the means.
template <class T>
class panel_product {
 public:
  panel_product(const column_panel<T>& i, const column_panel<T>& j, bool is_centred)
      : i_(i), j_(j), is_centred_(is_centred) {}

  void add(const view<const T>& rows, square_matrix<T>& sums) {
    // What is turned and packed stays in the cache of one core.
    const index_t at_once = std::clamp<index_t>(32768 / i_.columns(), 256, 4096);
    for (index_t at = 0; at < rows.extent(0); at += at_once) {
      const view<const T> some = rows(range(at, std::min(at + at_once, rows.extent(0))), all);
      add_product(some, sums);
      count_ += some.extent(0);
    }
  }

  /// Take in what another found in other rows.
  void merge(const panel_product& other, const square_matrix<T>& others, square_matrix<T>& sums) {
    if (other.count_ == 0) return;
    auto mine = block_of(sums);
    mine += block_of(others);
    if (is_centred_) {
      const column_vector<T> of_i = i_.merge(other.i_, count_, other.count_);
      const column_vector<T> of_j = is_diagonal() ? of_i : j_.merge(other.j_, count_, other.count_);
      mine += of_i * of_j.adjoint();
    }
    count_ += other.count_;
  }

  bool is_diagonal() const noexcept { return i_.first() == j_.first(); }
  const column_panel<T>& panel() const noexcept { return i_; }

 private:
  template <class Matrix>
  auto block_of(Matrix& sums) const {
    return sums.block(i_.first(), j_.first(), i_.columns(), j_.columns());
  }

  void add_product(const view<const T>& rows, square_matrix<T>& sums) {
    const auto turned = [&](column_panel<T>& panel) {
      return is_centred_ ? panel.turned_distances(rows, count_) : panel.turned(rows);
    };
    const square_matrix<T> left = turned(i_);
    auto mine = block_of(sums);
    if (is_diagonal()) {
      mine.template selfadjointView<Eigen::Lower>().rankUpdate(left);
    } else {
      mine.noalias() += left * turned(j_).adjoint();
    }
  }

  column_panel<T> i_;
  column_panel<T> j_;  // idle on the diagonal
  bool is_centred_;
  index_t count_ = 0;  // of rows
};

/// Sums of products of all columns. Rows are dealt to a few strands, whose sums meet at the end;
/// columns to panels. How many there are depends on the columns and the budget alone.
template <class T>
class column_products {
 public:
  static constexpr index_t panel_columns = 128;

  column_products(index_t columns, index_t strands, bool is_centred) : columns_(columns) {
    for (index_t n = 0; n < strands; ++n) strands_.push_back(empty_strand(is_centred));
  }

  /// A block of `x`.
  void add(const view<const T>& block, const source& x, const pass_options& options) {
    const auto strands = static_cast<index_t>(strands_.size()), rows = block.extent(0);
    const auto pairs = static_cast<index_t>(strands_[0].pairs.size());
    run_tasks(strands * pairs, options, &x, [&](index_t n) {
      const index_t s = n / pairs;
      strand& mine = strands_[static_cast<std::size_t>(s)];
      const range part(rows * s / strands, rows * (s + 1) / strands);
      mine.pairs[static_cast<std::size_t>(n % pairs)].add(block(part, all), mine.sums);
    });
  }

  /// Those of all `count` rows: sums of products in the lower half, divided by nothing.
  column_moments<T> merged(index_t count, const pass_options& options) && {
    strand& all_rows = strands_[0];
    run_tasks(static_cast<index_t>(all_rows.pairs.size()), options, nullptr, [&](index_t n) {
      const auto pair = static_cast<std::size_t>(n);
      for (std::size_t s = 1; s < strands_.size(); ++s) {
        all_rows.pairs[pair].merge(strands_[s].pairs[pair], strands_[s].sums, all_rows.sums);
      }
    });
    column_moments<T> found{count, {}, std::move(all_rows.sums)};
    found.mean.setConstant(columns_, std::numeric_limits<real>::quiet_NaN());
    for (const panel_product<T>& pair : all_rows.pairs) {
      if (count == 0 || !pair.is_diagonal()) continue;
      found.mean.segment(pair.panel().first(), pair.panel().columns()) = pair.panel().mean();
    }
    return found;
  }

 private:
  using real = typename Eigen::NumTraits<T>::Real;
  struct strand {
    square_matrix<T> sums;
    std::vector<panel_product<T>> pairs;  // of the lower half
  };

  strand empty_strand(bool is_centred) const {
    strand fresh{square_matrix<T>::Zero(columns_, columns_), {}};
    for (index_t i = 0; i < columns_; i += panel_columns) {
      for (index_t j = 0; j <= i; j += panel_columns) {
        fresh.pairs.emplace_back(panel_at(i), panel_at(j), is_centred);
      }
    }
    return fresh;
  }
  column_panel<T> panel_at(index_t first) const {
    return {first, std::min(panel_columns, columns_ - first)};
  }

  index_t columns_;
  std::vector<strand> strands_;
};

template <class T>
column_moments<T> sums_of_products(const source& x, bool is_centred, const char* what,
                                   const pass_options& options) {
  const product_shares shares = share_budget(x, sizeof(T), what, options.budget_bytes);
  column_products<T> sums(x.extent(1), shares.strands, is_centred);
  const block_options cut{
      .budget_bytes = shares.block_budget, .axis = 0, .extent = shares.block_rows};
  pass_progress now{0, static_cast<std::uint64_t>(x.size_bytes())};
  for (const block<T>& rows : blocks<T>(x, cut)) {
    sums.add(rows, x, options);
    now.done_bytes += static_cast<std::uint64_t>(rows.size() * x.dtype().itemsize());
    if (now.done_bytes < now.total_bytes) options.progress(now);
  }
  column_moments<T> found = std::move(sums).merged(x.extent(0), options);
  options.progress({now.total_bytes, now.total_bytes});
  return found;
}

template <class T>
void mirror_lower_half(square_matrix<T>& m) {
  m.template triangularView<Eigen::StrictlyUpper>() = m.adjoint();
}

}  // namespace detail

/// Multiply a matrix of shape (n, d) by itself, to one of shape (d, d): the products of its
/// columns.
///
/// One pass: Eigen's rank updates of pieces of the rows, on all cores. Sums are of T, so a T of
/// float has a float's rounding errors. Memory: the budget, out of which come the result and, for
/// a few hundred columns, copies of it (8 MiB at most); and a megabyte for each thread. No rows
/// give zeros. NaN and infinity spread as in NumPy: `x.T @ x`, or `x.conj().T @ x`.
/// Example: `Eigen::MatrixXd g = npymap::gram(x);`
/// \throws error layout_mismatch unless rank is 2; invalid_argument for a budget that does not hold
/// the result and some rows, naming the least that does; dtype_mismatch; stopped; what the system
/// says
template <matrix_number T = double>
square_matrix<T> gram(const source& x, const pass_options& options = {}) {
  square_matrix<T> g = detail::sums_of_products<T>(x, false, "gram", options).covariance;
  detail::mirror_lower_half(g);
  if constexpr (Eigen::NumTraits<T>::IsComplex) g = g.conjugate();
  return g;
}

/// Find the covariance of the columns of a matrix of shape (n, d), and their means, in one pass.
///
/// Rows are observations. Stable whatever the means: pieces of the rows are centred by their own
/// means, and merged as Chan, Golub and LeVeque do. Memory and speed as `gram`. No more rows than
/// `ddof` give NaN, or infinity where columns differ, as in NumPy.
/// NumPy: `numpy.cov(x.T, ddof=1)`, which needs memory for a copy of x, computes in
/// double at least, and gives a number for one column, where this is a matrix.
/// Example: `const auto [rows, mean, covariance] = npymap::covariance(x);`
/// \throws error as `gram`
template <matrix_number T = double>
column_moments<T> covariance(const source& x, const covariance_options& how = {},
                             const pass_options& options = {}) {
  using real = typename Eigen::NumTraits<T>::Real;
  column_moments<T> found = detail::sums_of_products<T>(x, true, "covariance", options);
  found.covariance *= 1 / static_cast<real>(std::max<index_t>(found.count - how.ddof, 0));
  detail::mirror_lower_half(found.covariance);
  return found;
}
template <matrix_number T = double>
column_moments<T> covariance(const source& x, const pass_options& options) {
  return covariance<T>(x, covariance_options(), options);
}

/// Multiply matrices larger than memory, c = a b, of shapes (m, k), (k, n) and (m, n).
///
/// Tile by tile: with a budget that holds B elements, tiles of c are about sqrt(0.44 B) a side, the
/// sources are read 2 m n k / sqrt(0.44 B) elements in all, the next tiles while these are
/// multiplied, and each tile of c is written once. Memory: the budget, and little for each thread.
/// `c` is made by the caller, in either order; its dense rows or columns are written to the file,
/// not through the map; sums are of T. A failure or a stop leaves it partly written.
/// Example: `multiply(a, b, create<double>("c.npy", {a.extent(0), b.extent(1)}))`.
/// NumPy: `numpy.matmul(a, b, out=c)`.
/// \throws error layout_mismatch for shapes that do not agree; invalid_argument for a budget below
/// 256 KiB, and for a `c` that shares bytes with a source; dtype_mismatch; stopped; the system's
template <matrix_number T>
void multiply(const source& a, const source& b, const array<T>& c,
              const pass_options& options = {}) {
  const auto multiply_add = [](const detail::product_part& part) {
    using tile = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    using step = Eigen::OuterStride<>;
    using input = Eigen::Map<const tile, Eigen::Unaligned, step>;
    const input left(static_cast<const T*>(part.a), part.rows, part.depth, step(part.a_step));
    const input right(static_cast<const T*>(part.b), part.depth, part.columns, step(part.b_step));
    Eigen::Map<tile, Eigen::Unaligned, step> sum(static_cast<T*>(part.c), part.rows, part.columns,
                                                 step(part.c_step));
    sum.noalias() += left * right;
  };
  detail::multiply_tiles(a, b, any_array(c), dtype_of<T>(), multiply_add, options);
}

}  // namespace npymap
