/// \file
/// Views and arrays as Eigen Maps, and what Eigen holds in memory as views, without a copy.
///
/// Caveats. A Map borrows: it is valid while the array that it came from, or another that shares
/// its mapping, is alive and not closed. A Map of a read-only array is a Map of const. Eigen's own
/// `auto` pitfalls apply: write `Eigen::VectorXd s = m.colwise().sum();`, not `auto`.
#pragma once

#include <concepts>
#include <cstdint>
#include <Eigen/Core>
#include <string>
#include <type_traits>
#include <unsupported/Eigen/CXX11/Tensor>
#include <utility>

#include <npymap/array.hpp>
#include <npymap/detail/array_like.hpp>
#include <npymap/error.hpp>
#include <npymap/npy_writer.hpp>
#include <npymap/save_text.hpp>
#include <npymap/shape.hpp>
#include <npymap/stored.hpp>
#include <npymap/view.hpp>

namespace npymap {
namespace detail {

template <order Order>
inline constexpr int eigen_order = Order == order::c ? Eigen::RowMajor : Eigen::ColMajor;

/// Eigen spells constness outside the matrix type, npymap inside the element.
template <class T, class Plain>
using const_like = std::conditional_t<std::is_const_v<T>, const Plain, Plain>;

template <class T>
inline constexpr bool is_native = true;
template <class T, byte_order Order>
inline constexpr bool is_native<const stored<T, Order>> = false;
template <class T, byte_order Order>
inline constexpr bool is_native<stored<T, Order>> = false;

template <class T, order Order>
using eigen_matrix = const_like<
    T, Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, Eigen::Dynamic, eigen_order<Order>>>;
template <class T>
using eigen_vector = const_like<T, Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, 1>>;

template <class T, int Rank, order Order>
using eigen_tensor =
    const_like<T, Eigen::Tensor<std::remove_const_t<T>, Rank, eigen_order<Order>, Eigen::Index>>;

[[noreturn]] inline void refuse_layout(const char* function, std::string expected,
                                       std::string found) {
  throw error(errc::layout_mismatch,
              {.subject = function, .expected = std::move(expected), .found = std::move(found)});
}

inline void require_rank(int rank, int wanted, const char* function) {
  if (rank == wanted) return;
  const char* const other = rank == 1   ? "; as_vector takes it"
                            : rank == 2 ? "; as_matrix takes it"
                                        : "; as_tensor<R> takes it";
  refuse_layout(function, "rank " + std::to_string(wanted), "rank " + std::to_string(rank) + other);
}

inline void require_unit_stride(bool unit, const char* function) {
  if (unit) return;
  refuse_layout(function, "adjacent elements",
                "a larger or negative stride; as_strided_matrix takes it");
}

/// What to call instead of a function for dense layouts, when the layout is another.
struct dense_advice {
  const char* function;
  const char* for_other_order;
  const char* for_strides;
};

template <order Order, class T, int Rank>
void require_dense(const view<T, Rank>& v, const dense_advice& advice) {
  static_assert(is_native<T>, "Eigen needs native, aligned numbers: load<T> or convert<T> first");
  constexpr bool wants_c = Order == order::c;
  if (wants_c ? v.is_c_contiguous() : v.is_f_contiguous()) return;
  const bool other = wants_c ? v.is_f_contiguous() : v.is_c_contiguous();
  refuse_layout(
      advice.function, wants_c ? "dense C order" : "dense Fortran order",
      other ? std::string(wants_c ? "Fortran order; " : "C order; ") + advice.for_other_order
            : std::string("strides; ") + advice.for_strides);
}

template <int Alignment, class T>
void require_alignment(const T* data, const char* function) {
  if constexpr (Alignment != Eigen::Unaligned) {
    const auto beyond = reinterpret_cast<std::uintptr_t>(data) % std::uintptr_t{Alignment};
    if (beyond == 0) return;
    refuse_layout(function, "elements at a multiple of " + std::to_string(Alignment) + " bytes",
                  std::to_string(beyond) + " bytes beyond one; leave out the alignment");
  }
}

/// What Eigen keeps at a pointer, with strides: a matrix, an array, a Map, a Ref, a block. Other
/// expressions may have both, and no elements to point at.
template <class Dense>
concept eigen_memory = std::derived_from<Dense, Eigen::PlainObjectBase<Dense>> ||
    std::derived_from<Dense, Eigen::MapBase<Dense, Eigen::ReadOnlyAccessors>>;

/// A matrix, a vector, an array or an expression of these, as what it is, without what derives.
template <class Derived>
const Derived& eigen_derived(const Eigen::DenseBase<Derived>& x) {
  return x.derived();
}
template <class X>
concept eigen_dense = requires(const X& x) {
  eigen_derived(x);
};

/// What takes its elements along when it goes.
template <class Dense>
inline constexpr bool eigen_owner = std::derived_from<Dense, Eigen::PlainObjectBase<Dense>>;
template <class Plain, int Options, class Stride>
inline constexpr bool eigen_owner<Eigen::Ref<const Plain, Options, Stride>> = true;

template <class T, int R, class Dimensions>
view<T, R> tensor_view(T* data, const Dimensions& dimensions, int eigen_layout) {
  npymap::shape extents(R);
  for (int axis = 0; axis < R; ++axis) {
    extents[axis] = dimensions[static_cast<std::size_t>(axis)];
  }
  return {data, extents, eigen_layout == Eigen::RowMajor ? order::c : order::fortran};
}

}  // namespace detail

/// Eigen's float16 has the bytes of npymap's: `as_matrix(open<Eigen::half>("half.npy"))`.
template <>
struct dtype_traits<Eigen::half> {
  static dtype value() { return dtype::scalar(dtype_kind::floating, sizeof(Eigen::half)); }
};

/// The alignment that every array has whose file NumPy (1.14 or later) or npymap wrote: elements
/// begin at a multiple of 64 bytes, in the file and so in the map. Slices may not.
inline constexpr int numpy_alignment = Eigen::Aligned64;

/// View a dense array of rank 1 as an Eigen column vector.
///
/// \tparam Alignment `Eigen::Unaligned`, or `npymap::numpy_alignment` to promise 64 bytes, which is
/// checked here and lets Eigen use aligned loads. Cost: none, touches no page. For a strided one,
/// see `as_strided_matrix`. NumPy: the array itself.
/// \throws error layout_mismatch unless rank is 1, the stride is one element, and Alignment holds
template <int Alignment = Eigen::Unaligned, class T, int Rank>
auto as_vector(const view<T, Rank>& v) {
  detail::require_rank(v.rank(), 1, "as_vector");
  detail::require_unit_stride(v.is_c_contiguous(), "as_vector");
  detail::require_alignment<Alignment>(v.data(), "as_vector");
  return Eigen::Map<detail::eigen_vector<T>, Alignment>(v.data(), v.extent(0));
}

/// View a dense array of rank 2 as an Eigen matrix of the same storage order, shape (rows,
/// columns).
///
/// The order is part of the type, so that Eigen walks memory the right way: C order (NumPy's
/// default) is RowMajor, `as_matrix<order::fortran>` is ColMajor. When the file decides, use
/// `visit_matrix`. Vectorises as an Eigen matrix in memory does. Alignment as in `as_vector`.
/// Example: `auto m = npymap::as_matrix(x);`
/// \throws error layout_mismatch unless rank is 2, the layout is dense in that order, and Alignment
/// holds
template <order Order = order::c, int Alignment = Eigen::Unaligned, class T, int Rank>
auto as_matrix(const view<T, Rank>& v) {
  detail::require_rank(v.rank(), 2, "as_matrix");
  detail::require_dense<Order>(
      v,
      {.function = "as_matrix",
       .for_other_order = Order == order::c ? "as_matrix<order::fortran> or visit_matrix takes it"
                                            : "as_matrix<order::c> or visit_matrix takes it",
       .for_strides = "as_strided_matrix takes it"});
  detail::require_alignment<Alignment>(v.data(), "as_matrix");
  return Eigen::Map<detail::eigen_matrix<T, Order>, Alignment>(v.data(), v.extent(0), v.extent(1));
}

/// View any array of rank 1 or 2 as an Eigen matrix with strides; rank 1 becomes one column.
///
/// Strides may be negative or 0. Eigen does not vectorise along a stride that it learns at run
/// time: give `InnerStride` 1 where rows (or, in Fortran order, columns) are dense, as those of
/// `x(all, range(0, 8))` are. Rank 1 is a column, whose inner axis is axis 0, in either order.
/// \throws error layout_mismatch for another rank, strides that are no whole elements, or an inner
/// stride that is not 1 where 1 was promised
template <order Order = order::c, int InnerStride = Eigen::Dynamic, class T, int Rank>
auto as_strided_matrix(const view<T, Rank>& v) {
  static_assert(InnerStride == 1 || InnerStride == Eigen::Dynamic);
  if (v.rank() != 1) detail::require_rank(v.rank(), 2, "as_strided_matrix");
  const auto steps = v.strides();
  const index_t rows = v.extent(0), columns = v.rank() == 1 ? 1 : v.extent(1);
  const index_t down = steps[0], across = v.rank() == 1 ? rows * down : steps[1];
  const index_t inner = Order == order::c ? across : down;
  const index_t outer = Order == order::c ? down : across;
  if constexpr (InnerStride == 1) {
    const index_t inner_extent = Order == order::c ? columns : rows;
    detail::require_unit_stride(inner == 1 || inner_extent <= 1, "as_strided_matrix<..., 1>");
  }
  using step = Eigen::Stride<Eigen::Dynamic, InnerStride>;
  return Eigen::Map<detail::eigen_matrix<T, Order>, Eigen::Unaligned, step>(
      v.data(), rows, columns, step(outer, InnerStride == 1 ? 1 : inner));
}

/// View a dense array of rank R as an Eigen tensor of the same storage order.
///
/// As `as_matrix` for any rank, 0 included. Example: `auto t = npymap::as_tensor<3>(x);`
/// \throws error layout_mismatch unless the rank is R, the layout is dense in that order, and
/// Alignment holds
template <int R, order Order = order::c, int Alignment = Eigen::Unaligned, class T, int Rank>
auto as_tensor(const view<T, Rank>& v) {
  detail::require_rank(v.rank(), R, "as_tensor");
  detail::require_dense<Order>(
      v, {.function = "as_tensor",
          .for_other_order = Order == order::c ? "as_tensor<R, order::fortran> takes it"
                                               : "as_tensor<R, order::c> takes it",
          .for_strides = "copy it to a dense array first"});
  detail::require_alignment<Alignment>(v.data(), "as_tensor");
  Eigen::array<Eigen::Index, static_cast<std::size_t>(R)> extents{};
  for (int axis = 0; axis < R; ++axis) extents[static_cast<std::size_t>(axis)] = v.extent(axis);
  return Eigen::TensorMap<detail::eigen_tensor<T, R, Order>, Alignment>(v.data(), extents);
}

/// Call `f` with the dense map of a rank-2 array, in whichever order it is stored.
///
/// `f` is a generic lambda; it is compiled for both orders and must return the same type for both.
/// A layout dense both ways (one row, one column) counts as C order.
/// Example: `npymap::visit_matrix(x, [](const auto& m) { return m.sum(); })`
/// \throws error layout_mismatch unless rank is 2 and the layout is dense in one order
template <int Alignment = Eigen::Unaligned, class T, int Rank, class F>
decltype(auto) visit_matrix(const view<T, Rank>& v, F&& f) {
  detail::require_rank(v.rank(), 2, "visit_matrix");
  if (v.is_f_contiguous() && !v.is_c_contiguous()) {
    return std::forward<F>(f)(as_matrix<order::fortran, Alignment>(v));
  }
  detail::require_dense<order::c>(v, {.function = "visit_matrix",
                                      .for_other_order = "",  // taken above
                                      .for_strides = "as_strided_matrix takes it"});
  return std::forward<F>(f)(as_matrix<order::c, Alignment>(v));
}

/// View a matrix, vector, Map, Ref or block that Eigen holds in memory, of any strides.
///
/// The way back from Eigen: `copy(as_view(m), y)`, `save(path, as_view(m))`. Borrows, and of a
/// temporary matrix, which would be gone at the semicolon, does not compile. What is a vector by
/// its type has rank 1, all else rank 2. Const where Eigen's is. Cost: none, touches no element.
template <class Dense>
requires detail::eigen_memory<std::remove_cvref_t<Dense>>
auto as_view(Dense&& m) {
  using plain = std::remove_cvref_t<Dense>;
  static_assert(std::is_lvalue_reference_v<Dense> || !detail::eigen_owner<plain>,
                "the view of a temporary matrix would dangle: give the matrix a name");
  using element = std::remove_pointer_t<decltype(m.data())>;
  constexpr index_t bytes = sizeof(element);
  if constexpr (plain::IsVectorAtCompileTime) {
    return view<element, 1>(m.data(), {m.size()}, npymap::strides{m.innerStride() * bytes});
  } else {
    return view<element, 2>(m.data(), {m.rows(), m.cols()},
                            npymap::strides{m.rowStride() * bytes, m.colStride() * bytes});
  }
}

/// View a tensor, in the storage order that it has. Borrows, as the view of a matrix does.
template <class T, int R, int Options, class Index>
view<T, R> as_view(Eigen::Tensor<T, R, Options, Index>& t) {
  return detail::tensor_view<T, R>(t.data(), t.dimensions(), t.Layout);
}
template <class T, int R, int Options, class Index>
view<const T, R> as_view(const Eigen::Tensor<T, R, Options, Index>& t) {
  return detail::tensor_view<const T, R>(t.data(), t.dimensions(), t.Layout);
}
template <class T, int R, int Options, class Index>
void as_view(const Eigen::Tensor<T, R, Options, Index>&& t) = delete;  // it would dangle
template <class Plain, int Options, template <class> class MakePointer>
auto as_view(const Eigen::TensorMap<Plain, Options, MakePointer>& t) {
  using element = std::remove_pointer_t<decltype(t.data())>;
  return detail::tensor_view<element, Plain::NumDimensions>(t.data(), t.dimensions(), t.Layout);
}

/// What Eigen holds in memory is written from there: `save("m.npy", m)`, `append`, `add`. What is a
/// vector by its type gets rank 1, all else rank 2; the storage order stays: a MatrixXd, which is
/// ColMajor, is saved in Fortran order. A tensor keeps its rank and its order. An expression is
/// evaluated in memory first: for one larger than memory, assign to `as_matrix(create<T>(...))`.
/// NumPy: `numpy.save(path, m)`. Example: `npymap::save("mean.npy", m.colwise().mean());`
template <detail::eigen_dense X>
struct detail::array_traits<X> {
  static auto of(const X& x) {
    const auto& dense = eigen_derived(x);
    if constexpr (eigen_memory<std::remove_cvref_t<decltype(dense)>>) {
      return as_view(dense);
    } else {
      return dense.eval();
    }
  }
};
template <class T, int R, int Options, class Index>
struct detail::array_traits<Eigen::Tensor<T, R, Options, Index>> {
  static auto of(const Eigen::Tensor<T, R, Options, Index>& x) { return as_view(x); }
};
template <class Plain, int Options, template <class> class MakePointer>
struct detail::array_traits<Eigen::TensorMap<Plain, Options, MakePointer>> {
  static auto of(const Eigen::TensorMap<Plain, Options, MakePointer>& x) { return as_view(x); }
};

}  // namespace npymap
