// Random views beside NumPy's: the same shapes, strides, elements and refusals.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <npymap/error.hpp>
#include <npymap/view.hpp>

#include "support/catch.hpp"
#include "support/python.hpp"

namespace {

using npymap::_;
using npymap::index_t;
using npymap::index_vector;
using npymap::range;
using npymap::slice_item;
using npymap::view;

// A base array holds at element k of its memory the number k. A case is a line: the base's shape
// and order, then operations; the answer a line for each operation up to the first that fails:
// "shape|byte strides|elements in C order", or the name of the exception, or COPY.
constexpr const char* oracle = R"(
def ints(text): return tuple(int(i) for i in text.split(',') if i)

def apply(a, name, args):
    if name == 'slice': return eval('a[' + args + ']', {'a': a, 'np': np, 'newaxis': np.newaxis})
    if name == 'permute': return a.transpose(ints(args))
    if name == 'transpose': return a.transpose()
    if name == 'swapaxes': return np.swapaxes(a, *ints(args))
    if name == 'moveaxis': return np.moveaxis(a, *ints(args))
    if name == 'flip': return np.flip(a, ints(args)[0] if args else None)
    if name == 'squeeze' and args and a.ndim == 0:
        raise IndexError()  # NumPy lets scalars through, for the sake of old code; npymap does not
    if name == 'squeeze': return np.squeeze(a, ints(args)[0] if args else None)
    if name == 'expand_dims': return np.expand_dims(a, ints(args)[0])
    if name == 'diagonal': return np.diagonal(a, *ints(args))
    if name == 'broadcast_to': return np.broadcast_to(a, ints(args))
    if name == 'window':
        window, axes = args.split('/')
        return np.lib.stride_tricks.sliding_window_view(a, ints(window), None if axes == 'all' else ints(axes))
    if name == 'reshape':
        shape, order = args.split('/')
        if min(ints(shape), default=0) < -1: raise ValueError()  # NumPy takes -2 for -1
        return np.reshape(a, ints(shape), order)
    raise SystemExit('unknown operation ' + name)

def show(values): return ','.join(str(v) for v in values)

for line in sys.stdin:
    shape, order, *steps = line.rstrip('\n').split(';')
    shape = ints(shape)
    memory = np.arange(max(1, int(np.prod(shape))), dtype=np.int64)
    a = np.ndarray(shape, np.int64, memory, order=order)
    for step in steps:
        name, _, args = step.partition(' ')
        try:
            b = apply(a, name, args)
        except Exception as e:
            print(type(e).__name__)
            break
        if not isinstance(b, np.ndarray): b = np.ndarray((), np.int64, memory, 8 * int(b))
        if b.size and not np.may_share_memory(b, memory):
            print('COPY')
            break
        a = b
        print(show(a.shape), show(a.strides), show(a.flatten().tolist()), sep='|')
)";

struct generator {
  std::mt19937_64 engine{npymap_test::random_seed()};

  index_t operator()(index_t least, index_t most) {
    return std::uniform_int_distribution<index_t>(least, most)(engine);
  }
  bool one_in(index_t n) { return (*this)(1, n) == 1; }
};

std::string joined(std::span<const index_t> values) {
  std::string text;
  for (const index_t value : values) text += (text.empty() ? "" : ",") + std::to_string(value);
  return text;
}

std::string described(const view<const std::int64_t>& v) {
  std::string elements;
  for (const std::int64_t element : v) {
    elements += (elements.empty() ? "" : ",") + std::to_string(element);
  }
  return joined(v.shape()) + "|" + joined(v.byte_strides()) + "|" + elements;
}

range::bound random_bound(generator& random, index_t extent) {
  if (random.one_in(3)) return _;
  if (random.one_in(40)) return random.one_in(2) ? INT64_MAX : INT64_MIN;
  return random(-extent - 2, extent + 2);
}

slice_item random_item(generator& random, index_t extent) {
  switch (random(0, 9)) {
    case 0:
      return npymap::newaxis;
    case 1:
    case 2:
    case 3:
      // Seldom outside: then the whole case is only a refusal.
      return random.one_in(40) ? random(-extent - 2, extent + 1)
                               : random(-extent, std::max<index_t>(extent - 1, -extent));
    default: {
      range::bound step = _;
      if (!random.one_in(3))
        step = random.one_in(100) ? 0 : random(1, 3) * (random.one_in(2) ? -1 : 1);
      if (random.one_in(100)) step = random.one_in(2) ? INT64_MAX : INT64_MIN;
      return range(random_bound(random, extent), random_bound(random, extent), step);
    }
  }
}

std::vector<slice_item> random_subscript(generator& random, std::span<const index_t> shape) {
  std::vector<slice_item> items;
  for (const index_t extent : shape) {
    if (random.one_in(8)) break;
    items.push_back(random_item(random, extent));
    while (items.back().is_newaxis()) items.push_back(random_item(random, extent));
  }
  if (random.one_in(50)) items.push_back(0);
  if (items.empty() || random.one_in(4)) {
    items.insert(items.begin() + random(0, std::ssize(items)), npymap::ellipsis);
  }
  if (random.one_in(100)) items.push_back(npymap::ellipsis);
  return items;
}

std::string spelled(generator& random, range::bound bound) {
  if (bound.given()) return std::to_string(bound.value_or(0));
  return random.one_in(8) ? "None" : "";
}

// The same subscript as a Python programmer might type it.
std::string spelled(generator& random, const std::vector<slice_item>& items) {
  const auto space = [&] { return std::string(random.one_in(4) ? " " : ""); };
  std::string text;
  for (const slice_item& item : items) {
    if (!text.empty()) text += space() + "," + space();
    if (item.is_index()) {
      text += (item.index() >= 0 && random.one_in(8) ? "+" : "") + std::to_string(item.index());
    } else if (item.is_newaxis()) {
      text += random.one_in(2) ? "None" : random.one_in(2) ? "newaxis" : "np.newaxis";
    } else if (item.is_ellipsis()) {
      text += random.one_in(4) ? "Ellipsis" : "...";
    } else {
      const range places = item.range();
      text += spelled(random, places.start()) + space() + ":" + space() +
              spelled(random, places.stop());
      if (places.step().given() || random.one_in(8)) text += ":" + spelled(random, places.step());
    }
  }
  if (items.size() == 1 && random.one_in(8)) text += ",";
  return text;
}

using number_view = view<const std::int64_t>;

struct operation {
  std::string text;  // for the oracle
  std::function<number_view(const number_view&)> apply;
};

index_vector random_shape(generator& random, int most_axes) {
  index_vector shape(static_cast<int>(random(0, most_axes)));
  for (index_t& extent : shape)
    extent = random.one_in(25) ? 0 : random.one_in(5) ? 1 : random(2, 6);
  return shape;
}

operation random_slice(generator& random, const number_view& v) {
  const std::vector<slice_item> items = random_subscript(random, v.shape());
  const std::string text = spelled(random, items);
  const bool as_text = random.one_in(2);
  return {"slice " + text, [=](const number_view& x) {
            return as_text ? x.slice(text) : x.slice(std::span<const slice_item>(items));
          }};
}

// A shape with as many elements, made by joining and splitting axes; now and then with a -1.
operation random_reshape(generator& random, const number_view& v) {
  index_vector shape;
  index_t left = v.size();
  for (index_t factor = 2; left > 1; factor = random(2, 4)) {
    if (left % factor == 0 && shape.rank() < 5) {
      shape.push_back(factor);
      left /= factor;
    } else if (random.one_in(6)) {
      shape.push_back(left);
      left = 1;
    }
    if (shape.rank() < 6 && random.one_in(6)) shape.push_back(1);
  }
  if (left == 0) shape = v.shape();
  if (random.one_in(3)) shape.push_back(1);
  if (shape.rank() > 0) {
    index_t& any = shape[static_cast<int>(random(0, shape.rank() - 1))];
    if (random.one_in(4)) any = -1;
    if (random.one_in(30)) any = random(-2, 3);
  }
  const bool c = random.one_in(2);
  return {"reshape " + joined(shape) + "/" + (c ? "C" : "F"), [=](const number_view& x) {
            return x.reshape(shape, c ? npymap::order::c : npymap::order::fortran);
          }};
}

operation random_broadcast(generator& random, const number_view& v) {
  index_vector shape(static_cast<int>(random(0, 2)), 2);
  for (const index_t extent : v.shape()) {
    shape.push_back(extent == 1 ? random(0, 3) : extent + random.one_in(30));
  }
  if (random.one_in(30)) shape = index_vector{3};
  return {"broadcast_to " + joined(shape),
          [=](const number_view& x) { return x.broadcast_to(shape); }};
}

operation random_window(generator& random, const number_view& v) {
  const auto extent_of_window = [&](index_t extent) {
    return random.one_in(30) ? extent + 1 : random(0, extent);
  };
  index_vector window;
  if (random.one_in(3)) {
    for (const index_t extent : v.shape()) window.push_back(extent_of_window(extent));
    return {"window " + joined(window) + "/all",
            [=](const number_view& x) { return x.sliding_window_view(window); }};
  }
  index_vector axes;
  for (index_t count = random(1, 2); v.rank() > 0 && count > 0; --count) {
    axes.push_back(random(-v.rank(), v.rank() - 1));
    const auto axis = axes[axes.rank() - 1];
    window.push_back(
        extent_of_window(v.extent(static_cast<int>(axis < 0 ? axis + v.rank() : axis))));
  }
  return {"window " + joined(window) + "/" + joined(axes),
          [=](const number_view& x) { return x.sliding_window_view(window, axes); }};
}

operation random_permutation(generator& random, const number_view& v) {
  index_vector axes(v.rank());
  std::iota(axes.begin(), axes.end(), 0);
  std::shuffle(axes.begin(), axes.end(), random.engine);
  for (index_t& axis : axes) axis -= random.one_in(3) ? v.rank() : 0;
  if (random.one_in(30) && v.rank() > 0) axes[0] = random(-v.rank() - 1, v.rank());
  return {"permute " + joined(axes), [=](const number_view& x) { return x.permute(axes); }};
}

// One of those that take axes, which lie outside now and then.
operation random_axis_operation(generator& random, const number_view& v) {
  const auto axis = [&] {
    const int outside = random.one_in(30) ? 1 : 0;
    const int rank = std::max(v.rank(), 1);
    return static_cast<int>(random(-rank - outside, rank - 1 + outside));
  };
  const int a = axis();
  const int b = axis();
  const std::string name_a = std::to_string(a);
  const std::string both = name_a + "," + std::to_string(b);
  switch (random(0, 7)) {
    case 0:
      return {"swapaxes " + both, [=](const number_view& x) { return x.swapaxes(a, b); }};
    case 1:
      return {"moveaxis " + both, [=](const number_view& x) { return x.moveaxis(a, b); }};
    case 2:
      return {"flip " + name_a, [=](const number_view& x) { return x.flip(a); }};
    case 3:
      return {"flip", [](const number_view& x) { return x.flip(); }};
    case 4:
      return {"squeeze", [](const number_view& x) { return x.squeeze(); }};
    case 5:
      return {"squeeze " + name_a, [=](const number_view& x) { return x.squeeze(a); }};
    case 6:
      return {"expand_dims " + name_a, [=](const number_view& x) { return x.expand_dims(a); }};
    default: {
      const index_t offset = random(-4, 4);
      return {"diagonal " + std::to_string(offset) + "," + both,
              [=](const number_view& x) { return x.diagonal(offset, a, b); }};
    }
  }
}

operation random_operation(generator& random, const number_view& v) {
  switch (random(0, 9)) {
    case 0:
      return random_permutation(random, v);
    case 1:
      return {"transpose", [](const number_view& x) { return x.transpose(); }};
    case 2:
      return random_broadcast(random, v);
    case 3:
      return random_window(random, v);
    case 4:
    case 5:
      return random_reshape(random, v);
    case 6:
      return random_slice(random, v);
    default:
      return random_axis_operation(random, v);
  }
}

// The exceptions of NumPy that may stand where npymap throws this.
std::vector<std::string> numpy_names(const npymap::error& error) {
  if (error.code() == npymap::errc::out_of_range) return {"IndexError", "AxisError"};
  if (error.code() == npymap::errc::invalid_argument) {
    return error.subject() == "subscript" ? std::vector<std::string>{"IndexError"}
                                          : std::vector<std::string>{"ValueError"};
  }
  if (error.code() == npymap::errc::layout_mismatch) return {"ValueError", "COPY"};
  return {};
}

struct answer {
  std::string operation;
  std::string view;                   // empty when it was refused
  std::vector<std::string> refusals;  // what NumPy may say then
  std::string message;
};

// Cases that were run here, ready for NumPy.
struct transcript {
  std::string input;
  std::vector<answer> answers;

  // Start from a dense base, and do up to `most` operations on what the one before gave.
  void run(generator& random, int most,
           const std::function<operation(const number_view&)>& choose) {
    const index_vector shape = random_shape(random, 4);
    const bool c = random.one_in(2);
    std::vector<std::int64_t> memory(static_cast<std::size_t>(*npymap::element_count(shape)) + 1);
    std::iota(memory.begin(), memory.end(), 0);
    number_view v(memory.data(), shape, c ? npymap::order::c : npymap::order::fortran);
    std::string line = joined(shape) + ";" + (c ? "C" : "F");
    const std::string base = "(" + joined(shape) + ") " + (c ? "C" : "F");
    for (int i = 0; i < most && v.size() <= 500 && v.rank() < 12; ++i) {
      const operation next = choose(v);
      line += ";" + next.text;
      answers.push_back({base + " ... (" + joined(v.shape()) + ") " + next.text, {}, {}, {}});
      try {
        v = next.apply(v);
        answers.back().view = described(v);
      } catch (const npymap::error& error) {
        answers.back().refusals = numpy_names(error);
        answers.back().message = error.what();
        break;
      }
    }
    input += line + "\n";
  }

  void compare() const {
    std::istringstream lines(npymap_test::python(oracle, {}, input));
    std::size_t refused = 0;
    for (const answer& ours : answers) {
      std::string numpy;
      REQUIRE(std::getline(lines, numpy));
      INFO(ours.operation << "\n" << ours.message);
      if (ours.refusals.empty()) {
        REQUIRE(ours.view == numpy);
      } else {
        ++refused;
        CAPTURE(numpy);
        REQUIRE(std::count(ours.refusals.begin(), ours.refusals.end(), numpy) == 1);
      }
    }
    std::string more;
    CHECK_FALSE(std::getline(lines, more));
    CHECK(refused > answers.size() / 100);  // else the refusals were not tested
    CHECK(refused < answers.size() / 3);
  }
};

}  // namespace

TEST_CASE("slices: shape, strides, elements and refusals are NumPy's") {
  REQUIRE(npymap_test::have_numpy());
  generator random;
  transcript cases;
  for (int i = 0; i < 6000; ++i) {
    cases.run(random, 2, [&](const number_view& v) { return random_slice(random, v); });
  }
  cases.compare();
}

TEST_CASE("layouts: chains of reshape, transpose, diagonal, broadcast and windows are NumPy's") {
  REQUIRE(npymap_test::have_numpy());
  generator random;
  transcript cases;
  for (int i = 0; i < 6000; ++i) {
    cases.run(random, 4, [&](const number_view& v) { return random_operation(random, v); });
  }
  cases.compare();
}
