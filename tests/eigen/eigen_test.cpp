#include <npymap/eigen.hpp>

#include <complex>
#include <ranges>
#include <vector>

#include <npymap/append.hpp>
#include <npymap/array.hpp>
#include <npymap/error.hpp>
#include <npymap/npy_writer.hpp>
#include <npymap/npz_writer.hpp>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using npymap::_;
using npymap::errc;
using npymap::index_t;
using npymap::open_mode;
using npymap::order;
using npymap::range;
using npymap_test::code_of;
using npymap_test::python;
using npymap_test::temp_folder;

namespace {

npymap::array<double> counting(const std::string& path, const npymap::shape& extents,
                               order layout = order::c) {
  auto x = npymap::create<double>(path, extents, {.order = layout});
  for (index_t i = 0; i < x.size(); ++i) x.data()[i] = double(i);
  return x;
}

template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const npymap::error& e) {
    CHECK(e.code() == errc::layout_mismatch);
    return e.what();
  }
  return {};
}

template <class Map>
constexpr bool is_packed = bool(Eigen::internal::evaluator<Map>::Flags& Eigen::PacketAccessBit);

}  // namespace

TEST_CASE("eigen: as_matrix is a map without a copy, in the order of the file, in the type") {
  const temp_folder folder;
  const auto x = counting(folder / "c.npy", {3, 4});
  auto m = npymap::as_matrix(x);
  static_assert(decltype(m)::IsRowMajor);
  static_assert(is_packed<decltype(m)>);
  CHECK(m.data() == x.data());
  CHECK(m.rows() == 3);
  CHECK(m.cols() == 4);
  CHECK(m(2, 3) == 11);

  const auto y = counting(folder / "f.npy", {3, 4}, order::fortran);
  auto n = npymap::as_matrix<order::fortran>(y);
  static_assert(!decltype(n)::IsRowMajor);
  static_assert(is_packed<decltype(n)>);
  CHECK(n.data() == y.data());
  CHECK(n(2, 3) == 11);
  CHECK(n(1, 0) == 1);
}

TEST_CASE("eigen: a read-only array gives a map of const") {
  const temp_folder folder;
  counting(folder / "x.npy", {3, 4});
  const auto x = npymap::open<double>(folder / "x.npy");
  using map = decltype(npymap::as_matrix(x));
  static_assert(std::is_const_v<std::remove_pointer_t<decltype(std::declval<map>().data())>>);
  static_assert(!std::is_assignable_v<decltype(std::declval<map>()(0, 0)), double>);
  CHECK(npymap::as_matrix(x).sum() == 66);
  CHECK(npymap::as_tensor<2>(x)(2, 3) == 11);
}

TEST_CASE("eigen: a layout that does not fit is refused, with the function that takes it") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {3, 4, 2});
  const auto m = x(range(_), range(_), 0);
  CHECK_THAT(message_of([&] { npymap::as_matrix(x); }),
             Catch::Contains("expected rank 2, found rank 3"));
  CHECK_THAT(message_of([&] { npymap::as_matrix(m); }), Catch::Contains("as_strided_matrix"));
  CHECK_THAT(message_of([&] { npymap::as_vector(m(0, range(_))); }),
             Catch::Contains("as_strided_matrix"));
  const auto f = x(0, range(_), range(_)).transpose();
  CHECK_THAT(message_of([&] { npymap::as_matrix(f); }), Catch::Contains("order::fortran"));
  CHECK_THAT(message_of([&] { npymap::as_tensor<3>(m); }), Catch::Contains("rank 3"));
  CHECK_THAT(message_of([&] { npymap::as_tensor<3>(x.transpose()); }),
             Catch::Contains("as_tensor<R, order::fortran>"));
  CHECK_THAT(message_of([&] { npymap::as_tensor<2>(m); }), Catch::Contains("copy it"));
  CHECK_THAT(message_of([&] { npymap::as_tensor<2, order::fortran>(x(0, range(_), range(_))); }),
             Catch::Contains("order::c"));
  CHECK_THAT(
      message_of([&] { npymap::visit_matrix(m, [](const auto& a) { return a.sum(); }); }),
      Catch::Contains("visit_matrix: expected dense") && Catch::Contains("as_strided_matrix"));
}

TEST_CASE("eigen: 64 bytes of alignment are offered, and checked") {
  const temp_folder folder;
  counting(folder / "x.npy", {8, 8});
  python("np.save(sys.argv[1], np.arange(64.))", {folder / "numpy.npy"});
  const auto x = npymap::open<double>(folder / "x.npy");
  auto m = npymap::as_matrix<order::c, npymap::numpy_alignment>(x);
  static_assert(Eigen::internal::traits<decltype(m)>::Alignment >= 16);
  CHECK(m.sum() == 63 * 32);
  CHECK(npymap::as_vector<npymap::numpy_alignment>(npymap::open<double>(folder / "numpy.npy"))
            .sum() == 63 * 32);
  CHECK_NOTHROW(npymap::as_tensor<2, order::c, npymap::numpy_alignment>(x));
  CHECK_THAT(message_of([&] { npymap::as_vector<npymap::numpy_alignment>(x(0, range(1, _))); }),
             Catch::Contains("8 bytes beyond"));
}

TEST_CASE("eigen: as_strided_matrix takes any strides, negative ones too") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {6, 8});
  const auto part = x(range(_, _, -2), range(1, _, 3));
  const auto m = npymap::as_strided_matrix(part);
  REQUIRE(m.rows() == 3);
  REQUIRE(m.cols() == 3);
  for (index_t i = 0; i < 3; ++i) {
    for (index_t j = 0; j < 3; ++j) CHECK(m(i, j) == part(i, j));
  }
  const auto n = npymap::as_strided_matrix<order::fortran>(part.transpose());
  for (index_t i = 0; i < 3; ++i) {
    for (index_t j = 0; j < 3; ++j) CHECK(n(j, i) == part(i, j));
  }
  const auto column = npymap::as_strided_matrix(x(range(_), 3));
  CHECK(column.rows() == 6);
  CHECK(column.cols() == 1);
  CHECK(column.sum() == 3 + 11 + 19 + 27 + 35 + 43);
}

TEST_CASE("eigen: dense rows of a wider matrix stay vectorised with an inner stride of 1") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {6, 8});
  const auto m = npymap::as_strided_matrix<order::c, 1>(x(range(_), range(2, 6)));
  static_assert(is_packed<std::remove_const_t<decltype(m)>>);
  CHECK(m(5, 3) == 45);
  const auto n = npymap::as_strided_matrix<order::fortran, 1>(x(range(_), range(2, 6)).transpose());
  CHECK(n(3, 5) == 45);
  CHECK_THAT(
      message_of([&] { npymap::as_strided_matrix<order::c, 1>(x(range(_), range(_, _, 2))); }),
      Catch::Contains("as_strided_matrix"));
}

TEST_CASE("eigen: as_tensor follows the order of the file at any rank") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {2, 3, 4});
  const auto t = npymap::as_tensor<3>(x);
  CHECK(t.dimension(2) == 4);
  CHECK(t(1, 2, 3) == 23);
  CHECK(t.data() == x.data());
  const auto y = counting(folder / "y.npy", {2, 3, 4}, order::fortran);
  CHECK(npymap::as_tensor<3, order::fortran>(y)(1, 0, 0) == 1);
  CHECK(npymap::as_tensor<0>(counting(folder / "z.npy", {}))() == 0);
}

TEST_CASE("eigen: visit_matrix hands over the map of the order that the file has") {
  const temp_folder folder;
  for (const auto layout : {order::c, order::fortran}) {
    counting(folder / "x.npy", {3, 4}, layout);
    const auto x = npymap::open<double>(folder / "x.npy");
    const bool row_major = npymap::visit_matrix(x, [&](const auto& m) {
      CHECK(m(2, 1) == x(2, 1));
      return bool(std::decay_t<decltype(m)>::IsRowMajor);
    });
    CHECK(row_major == (layout == order::c));
  }
}

TEST_CASE("eigen: empty matrices and vectors are maps too") {
  const temp_folder folder;
  CHECK(npymap::as_matrix(counting(folder / "x.npy", {0, 5})).cols() == 5);
  CHECK(npymap::as_matrix(counting(folder / "y.npy", {5, 0})).sum() == 0);
  CHECK(npymap::as_vector(counting(folder / "z.npy", {0})).size() == 0);
  CHECK(npymap::as_strided_matrix(counting(folder / "w.npy", {0, 2})).rows() == 0);
}

TEST_CASE("eigen: writing through a map of r+ reaches NumPy; of c it does not") {
  const temp_folder folder;
  counting(folder / "x.npy", {2, 3});
  const char* const show = "print(np.load(sys.argv[1]).tolist(), end='')";
  {
    auto x = npymap::open<double, open_mode::copy_on_write>(folder / "x.npy");
    npymap::as_matrix(x).setConstant(9);
    CHECK(npymap::as_matrix(x).sum() == 54);
  }
  CHECK(python(show, {folder / "x.npy"}) == "[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]");
  auto x = npymap::open<double, open_mode::read_write>(folder / "x.npy");
  npymap::as_matrix(x).col(1).array() += 0.5;
  x.flush();
  CHECK(python(show, {folder / "x.npy"}) == "[[0.0, 1.5, 2.0], [3.0, 4.5, 5.0]]");
}

TEST_CASE("eigen: a field of a single record, whose stride is never used, is a matrix") {
  const temp_folder folder;
  python("np.save(sys.argv[1], np.array([(2.5, 1)], dtype=[('v', 'f8'), ('a', 'i1')]))",
         {folder / "x.npy"});
  const auto x = npymap::load(folder / "x.npy").field("v").as<const double>();
  CHECK(npymap::as_strided_matrix(x)(0, 0) == 2.5);
}

TEST_CASE("eigen: what Eigen holds is viewed where it is, in its own order") {
  Eigen::MatrixXd m(2, 3);
  m << 0, 1, 2, 3, 4, 5;
  const auto v = npymap::as_view(m);
  static_assert(std::is_same_v<decltype(v), const npymap::view<double, 2>>);
  CHECK(v.data() == m.data());
  CHECK(v(1, 2) == 5);
  CHECK(v.is_f_contiguous());
  v(1, 2) = 50;
  CHECK(m(1, 2) == 50);

  const Eigen::MatrixXd& constant = m;
  static_assert(std::is_same_v<decltype(npymap::as_view(constant)), npymap::view<const double, 2>>);
  const auto part = npymap::as_view(m.block(0, 1, 2, 2));
  CHECK(part(1, 1) == 50);
  const auto row = npymap::as_view(m.row(1));
  static_assert(std::is_same_v<decltype(row), const npymap::view<double, 1>>);
  CHECK(row(2) == 50);
  CHECK(npymap::equal(npymap::as_view(npymap::as_matrix<order::fortran>(v)), v));

  Eigen::Tensor<float, 3, Eigen::RowMajor> t(2, 3, 4);
  t.setZero();
  t(1, 2, 3) = 7;
  CHECK(npymap::as_view(t).is_c_contiguous());
  CHECK(npymap::as_view(t)(1, 2, 3) == 7);
  CHECK(npymap::as_view(npymap::as_tensor<3>(npymap::as_view(t)))(1, 2, 3) == 7);
}

TEST_CASE("eigen: matrices, vectors and expressions are saved as NumPy reads them") {
  const temp_folder folder;
  Eigen::MatrixXd columns(2, 3);
  columns << 0, 1, 2, 3, 4, 5;
  const Eigen::Matrix<float, 2, 3, Eigen::RowMajor> rows = columns.cast<float>();
  npymap::save(folder / "columns.npy", columns);
  npymap::save(folder / "rows.npy", rows);
  npymap::save(folder / "vector.npy", Eigen::VectorXd(columns.colwise().sum()));
  npymap::save(folder / "expression.npy", (2 * columns).rowwise().sum());
  npymap::save(folder / "block.npy", columns.rightCols(2));
  npymap::save(folder / "mask.npy", columns.array() > 2);
  python(R"(
os.chdir(sys.argv[1])
m = np.arange(6.).reshape(2, 3)
def same(name, wanted):
    a = np.load(name + '.npy')
    assert a.dtype == wanted.dtype and a.shape == wanted.shape and (a == wanted).all(), (name, a)
    return a
assert same('columns', m).flags.f_contiguous
assert same('rows', m.astype('f4')).flags.c_contiguous
same('vector', m.sum(0))
same('expression', 2 * m.sum(1))
same('block', m[:, 1:])
same('mask', m > 2)
)",
         {folder.path()});
}

TEST_CASE("eigen: tensors are saved, appended and archived in the order that they have") {
  const temp_folder folder;
  Eigen::Tensor<double, 3> columns(2, 3, 4);
  Eigen::Tensor<float, 3, Eigen::RowMajor> rows(2, 3, 4);
  for (int i = 0; i < 24; ++i) {
    columns(i / 12, i / 4 % 3, i % 4) = i;
    rows(i / 12, i / 4 % 3, i % 4) = static_cast<float>(i);
  }
  npymap::save(folder / "columns.npy", columns);
  npymap::save(folder / "rows.npy", rows);
  npymap::save(folder / "map.npy",
               Eigen::TensorMap<const Eigen::Tensor<double, 3>>(columns.data(), 2, 3, 4));
  npymap::npy_writer twice(folder / "twice.npy", npymap::dtype_of<float>(), {3, 4});
  twice.append(rows);
  twice.append(rows);
  twice.commit();
  npymap::npz_writer archive(folder / "all.npz");
  archive.add("rows", rows);
  archive.commit();
  python(R"(
os.chdir(sys.argv[1])
t = np.arange(24.).reshape(2, 3, 4)
for name in 'columns', 'rows', 'map':
    a = np.load(name + '.npy')
    assert a.dtype == ('f4' if name == 'rows' else 'f8') and (a == t).all(), (name, a)
    assert a.flags.f_contiguous == (name != 'rows'), name
assert (np.load('twice.npy') == np.concatenate([t, t])).all()
assert (np.load('all.npz')['rows'] == t).all()
)",
         {folder.path()});
}

TEST_CASE("eigen: a file of float16 is a matrix of Eigen::half") {
  const temp_folder folder;
  python("np.save(sys.argv[1], np.arange(6, dtype='f2').reshape(2, 3) / 4)", {folder / "x.npy"});
  const auto x = npymap::open<Eigen::half>(folder / "x.npy");
  const auto m = npymap::as_matrix(x);
  CHECK(static_cast<float>(m(1, 2)) == 1.25f);
  CHECK(m.cast<float>().sum() == 3.75f);
  npymap::save(folder / "y.npy", Eigen::MatrixXf(m.cast<float>() * 2).cast<Eigen::half>());
  python("a = np.load(sys.argv[1]); assert a.dtype == 'f2' and a[1, 2] == 2.5", {folder / "y.npy"});
}

TEST_CASE("eigen: parts and expressions without memory of their own are saved by value") {
  const temp_folder folder;
  Eigen::MatrixXd m(3, 3);
  m << 0, 1, 2, 3, 4, 5, 6, 7, 8;
  const Eigen::MatrixXcd z = m.cast<std::complex<double>>();
  npymap::save(folder / "every_second.npy", m(Eigen::seqN(0, 2, Eigen::fix<2>), Eigen::all));
  npymap::save(folder / "real.npy", z.block(0, 0, 2, 2).real());
  npymap::save(folder / "diagonal.npy", m.diagonal());
  npymap::save(folder / "none.npy", Eigen::MatrixXd(0, 0).diagonal());
  npymap::save(folder / "imaginary.npy", Eigen::MatrixXcd(0, 3).imag());
  python(R"(
os.chdir(sys.argv[1])
m = np.arange(9.).reshape(3, 3)
assert (np.load('every_second.npy') == m[::2]).all()
assert (np.load('real.npy') == m[:2, :2]).all()
assert (np.load('diagonal.npy') == m.diagonal()).all()
assert np.load('none.npy').shape == (0,) and np.load('imaginary.npy').shape == (0, 3)
)",
         {folder.path()});
}

TEST_CASE("save: a range of matrices, which are made under way, is one array") {
  const temp_folder folder;
  const auto blocks = std::views::iota(0, 4) | std::views::transform([](int i) {
                        return Eigen::MatrixXf(Eigen::MatrixXf::Constant(i + 1, 3, float(i)));
                      });
  npymap::save(folder / "x.npy", blocks);
  const auto x = npymap::open<float>(folder / "x.npy");
  CHECK(x.shape() == npymap::shape{10, 3});
  CHECK(x(9, 2) == 3);
  CHECK(x(2, 0) == 1);
  npymap::save(folder / "x.npy", std::vector<Eigen::VectorXd>(2, Eigen::VectorXd::Ones(5)));
  CHECK(npymap::open<double>(folder / "x.npy").shape() == npymap::shape{10});
}

TEST_CASE("eigen: what save takes is a row, a block of rows or a member of an archive, too") {
  const temp_folder folder;
  Eigen::Matrix2d m;
  m << 1, 2, 3, 4;
  const Eigen::RowVector2d row(5, 6);

  npymap::create<double>(folder / "log.npy", {0, 2}).close();
  npymap::appender log(folder / "log.npy");
  log.append(m);
  log.append(row);
  log.append(2 * row.transpose());
  log.append(m.array().row(1).cast<int>());  // evaluated, and cast by same_kind
  log.append(Eigen::MatrixXd(m.transpose()));
  CHECK(code_of([&] { log.append(Eigen::Vector3d(1, 2, 3)); }) == errc::layout_mismatch);
  log.close();

  npymap::npy_writer to(folder / "rows.npy", npymap::dtype_of<double>(), {2});
  to.append(row);
  to.append(m * m);
  to.append(m.col(0));
  to.commit();

  npymap::npz_writer archive(folder / "all.npz");
  archive.add("m", m);
  archive.add("temporary", Eigen::MatrixXf(m.cast<float>()), {.level = 1});
  archive.add("product", m * m);
  archive.add("mean", m.colwise().mean());
  archive.add("mask", m.array() > 2);
  archive.add("blocks", std::vector<Eigen::MatrixXd>(2, m));
  archive.begin("rows", npymap::dtype_of<double>(), {2});
  archive.append(m);
  archive.append(-row);
  archive.commit();
  python(R"(
os.chdir(sys.argv[1])
m, row = np.array([[1., 2], [3, 4]]), np.array([5., 6])
def check(a, wanted):
    assert a.dtype == wanted.dtype and np.array_equal(a, wanted), (a, wanted)
check(np.load('log.npy'), np.vstack([m, row, 2 * row, m[1], m.T]))
check(np.load('rows.npy'), np.vstack([row, m @ m, m[:, 0]]))
z = np.load('all.npz')
check(z['m'], m)
assert z['m'].flags.f_contiguous and not z['m'].flags.c_contiguous
check(z['temporary'], m.astype('f4'))
check(z['product'], m @ m)
check(z['mean'], m.mean(0))
check(z['mask'], m > 2)
check(z['blocks'], np.vstack([m, m]))
check(z['rows'], np.vstack([m, -row]))
)",
         {folder.path()});
}

TEST_CASE("eigen: an expression is evaluated once, wherever it is written") {
  const temp_folder folder;
  int calls = 0;
  const auto counted =
      Eigen::VectorXd::NullaryExpr(5, [&](Eigen::Index i) { return ++calls, double(i); });
  npymap::save(folder / "x.npy", counted);
  CHECK(calls == 5);
  npymap::npz_writer archive(folder / "x.npz");
  archive.add("x", counted);
  CHECK(calls == 10);
}
