#include "format/type_string.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "format/time_step_string.hpp"

namespace npymap::detail {
namespace {

bool is_order(char c) { return c == '<' || c == '>' || c == '=' || c == '|'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// What Python's `\s` matches among ASCII.
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f); }

struct basic_type {
  dtype_kind kind;
  index_t size;  // in bytes; the length of text
};

constexpr basic_type boolean = {dtype_kind::boolean, 1};
constexpr basic_type object = {dtype_kind::object, 8};
constexpr basic_type bytes = {dtype_kind::bytes, 0};
constexpr basic_type unicode = {dtype_kind::unicode, 0};
constexpr basic_type raw = {dtype_kind::raw, 0};

template <class Integer>
constexpr basic_type signed_integer = {dtype_kind::signed_integer, sizeof(Integer)};
template <class Integer>
constexpr basic_type unsigned_integer = {dtype_kind::unsigned_integer, sizeof(Integer)};
template <class Float>
constexpr basic_type floating = {dtype_kind::floating, sizeof(Float)};
template <class Float>
constexpr basic_type complex = {dtype_kind::complex_floating, 2 * sizeof(Float)};
constexpr basic_type half = {dtype_kind::floating, 2};

struct type_code {
  char code;
  basic_type type;
};

// numpy.typecodes, and `a`, which NumPy 2 dropped. Some depend on the machine, in NumPy as here.
constexpr auto type_codes = std::to_array<type_code>({
    {'?', boolean},
    {'b', signed_integer<signed char>},
    {'B', unsigned_integer<unsigned char>},
    {'h', signed_integer<short>},
    {'H', unsigned_integer<unsigned short>},
    {'i', signed_integer<int>},
    {'I', unsigned_integer<unsigned int>},
    {'l', signed_integer<long>},
    {'L', unsigned_integer<unsigned long>},
    {'q', signed_integer<long long>},
    {'Q', unsigned_integer<unsigned long long>},
    {'p', signed_integer<std::ptrdiff_t>},
    {'P', unsigned_integer<std::size_t>},
    {'e', half},
    {'f', floating<float>},
    {'d', floating<double>},
    {'g', floating<long double>},
    {'F', complex<float>},
    {'D', complex<double>},
    {'G', complex<long double>},
    {'S', bytes},
    {'a', bytes},
    {'c', {dtype_kind::bytes, 1}},
    {'U', unicode},
    {'V', raw},
    {'O', object},
    {'M', {dtype_kind::datetime, 8}},
    {'m', {dtype_kind::timedelta, 8}},
});

struct type_name {
  std::string_view name;
  basic_type type;
};

// numpy.sctypeDict, less what the codes above say: the names of NumPy 1.24 and of NumPy 2, which do
// not contradict each other.
constexpr auto type_names = std::to_array<type_name>({
    {"bool", boolean},
    {"bool8", boolean},
    {"bool_", boolean},
    {"byte", signed_integer<signed char>},
    {"bytes", bytes},
    {"bytes0", bytes},
    {"bytes_", bytes},
    {"cdouble", complex<double>},
    {"cfloat", complex<double>},
    {"clongdouble", complex<long double>},
    {"clongfloat", complex<long double>},
    {"complex", complex<double>},
    {"complex128", complex<double>},
    {"complex256", {dtype_kind::complex_floating, 32}},
    {"complex64", complex<float>},
    {"complex_", complex<double>},
    {"csingle", complex<float>},
    {"double", floating<double>},
    {"float", floating<double>},
    {"float128", {dtype_kind::floating, 16}},
    {"float16", half},
    {"float32", floating<float>},
    {"float64", floating<double>},
    {"float_", floating<double>},
    {"half", half},
    {"int", signed_integer<long>},
    {"int0", signed_integer<std::ptrdiff_t>},
    {"int16", signed_integer<std::int16_t>},
    {"int32", signed_integer<std::int32_t>},
    {"int64", signed_integer<std::int64_t>},
    {"int8", signed_integer<std::int8_t>},
    {"int_", signed_integer<long>},
    {"intc", signed_integer<int>},
    {"intp", signed_integer<std::ptrdiff_t>},
    {"long", signed_integer<long>},
    {"longcomplex", complex<long double>},
    {"longdouble", floating<long double>},
    {"longfloat", floating<long double>},
    {"longlong", signed_integer<long long>},
    {"object", object},
    {"object0", object},
    {"object_", object},
    {"short", signed_integer<short>},
    {"single", floating<float>},
    {"singlecomplex", complex<float>},
    {"str", unicode},
    {"str0", unicode},
    {"str_", unicode},
    {"string_", bytes},
    {"ubyte", unsigned_integer<unsigned char>},
    {"uint", unsigned_integer<unsigned long>},
    {"uint0", unsigned_integer<std::size_t>},
    {"uint16", unsigned_integer<std::uint16_t>},
    {"uint32", unsigned_integer<std::uint32_t>},
    {"uint64", unsigned_integer<std::uint64_t>},
    {"uint8", unsigned_integer<std::uint8_t>},
    {"uintc", unsigned_integer<unsigned int>},
    {"uintp", unsigned_integer<std::size_t>},
    {"ulong", unsigned_integer<unsigned long>},
    {"ulonglong", unsigned_integer<unsigned long long>},
    {"unicode", unicode},
    {"unicode_", unicode},
    {"ushort", unsigned_integer<unsigned short>},
    {"void", raw},
    {"void0", raw},
});
static_assert(std::ranges::is_sorted(type_names, {}, &type_name::name));

dtype make(basic_type type, byte_order order) {
  switch (type.kind) {
    case dtype_kind::bytes:
    case dtype_kind::unicode:
      return dtype::text(type.kind, type.size, order);
    case dtype_kind::datetime:
    case dtype_kind::timedelta:
      return dtype::time(type.kind, {}, order);
    case dtype_kind::object:
      return dtype::object();
    default:
      return dtype::scalar(type.kind, type.size, order);
  }
}

// The kind of a letter that a size follows; nothing where NumPy has no such pair.
std::optional<dtype_kind> sized_kind(char letter, index_t size) {
  switch (letter) {
    case 'S':
    case 'a':
      return dtype_kind::bytes;
    case 'U':
      return dtype_kind::unicode;
    case 'V':
      return dtype_kind::raw;
    case 'b':
    case 'i':
    case 'u':
    case 'f':
    case 'c':
      return static_cast<dtype_kind>(letter);
    case 'M':
    case 'm':
      return size == 8 ? std::optional(static_cast<dtype_kind>(letter)) : std::nullopt;
    case 'O':  // the size of a pointer, here or on an old machine
      return size == 4 || size == 8 ? std::optional(dtype_kind::object) : std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<dtype> read_sized(std::string_view text, byte_order order) {
  std::string_view digits = text.substr(1);
  const auto size = take_c_integer(digits);
  if (!size || !digits.empty()) return std::nullopt;
  const auto kind = sized_kind(text.front(), *size);
  if (!kind) return std::nullopt;
  return make({*kind, *size}, order);
}

std::optional<dtype> read_time(std::string_view text, byte_order order) {
  const auto read = [&](std::string_view prefix, dtype_kind kind) -> std::optional<dtype> {
    if (!text.starts_with(prefix)) return std::nullopt;
    return dtype::time(kind, read_time_step(text.substr(prefix.size())), order);
  };
  if (auto found = read("M8", dtype_kind::datetime)) return found;
  if (auto found = read("m8", dtype_kind::timedelta)) return found;
  if (auto found = read("datetime64", dtype_kind::datetime)) return found;
  return read("timedelta64", dtype_kind::timedelta);
}

std::optional<dtype> read_name(std::string_view text) {
  const auto found = std::ranges::lower_bound(type_names, text, {}, &type_name::name);
  if (found == type_names.end() || found->name != text) return std::nullopt;
  return make(found->type, native_byte_order);
}

std::optional<dtype> read_code(char code, byte_order order) {
  const auto found = std::ranges::find(type_codes, code, &type_code::code);
  if (found == type_codes.end()) return std::nullopt;
  return make(found->type, order);
}

// A type string without commas or repeats; `_convert_from_str` in NumPy's descriptor.c.
dtype read_simple(std::string_view text) {
  std::string_view rest = text;
  auto order = native_byte_order;
  if (!rest.empty() && is_order(rest.front())) {
    if (rest.front() == '<') order = byte_order::little;
    if (rest.front() == '>') order = byte_order::big;
    rest.remove_prefix(1);
  }
  std::optional<dtype> found;
  if (rest.size() == 1) {
    found = read_code(rest.front(), order);
  } else if (rest.size() > 1) {
    found = read_sized(rest, order);
    if (!found) found = read_time(rest, order);
    if (!found) found = read_name(text);  // names stand without a byte order
  }
  if (!found) refuse_dtype("a type of NumPy", quoted(text));
  return *std::move(found);
}

// `_check_for_commastring` in NumPy's descriptor.c.
bool is_comma_string(std::string_view text) {
  const std::string_view behind = text.substr(!text.empty() && is_order(text.front()) ? 1 : 0);
  if (!behind.empty() && is_digit(behind.front())) return true;
  if (behind.starts_with("()") && (behind.size() == text.size() || behind.size() > 2)) return true;
  int open_brackets = 0;
  for (const char c : text) {
    if (c == ',' && open_brackets == 0) return true;
    if (c == '[') ++open_brackets;
    if (c == ']') --open_brackets;
  }
  return false;
}

// The parts of a comma string, one at a time; `_commastring` in NumPy's _internal.py, and its
// regular expression `format_re`.
class comma_string {
 public:
  explicit comma_string(std::string_view text) : text_(text) {}

  bool at_end() const { return position_ == text_.size(); }
  bool ends_in_comma() const { return at_end() && comma_; }

  item next() {
    const std::string_view outer = take_if_order();
    const std::string_view repeats = take_repeats();
    const std::string_view inner = take_if_order();
    const std::string_view name = take_name();
    take_comma();
    if (!outer.empty() && !inner.empty() && native(outer) != native(inner)) {
      refuse_dtype("one byte order", quoted(text_));
    }
    std::string type(native(outer.empty() ? inner : outer));
    if (type == "|" || type == native("=")) type.clear();  // so that names may follow
    item result = read_type_string(type.append(name));
    return repeats.empty() ? result : repeated(result, repeats);
  }

 private:
  char peek() const { return at_end() ? '\0' : text_[position_]; }

  template <class Predicate>
  std::string_view take_while(Predicate matches) {
    const std::size_t start = position_;
    while (!at_end() && matches(peek())) ++position_;
    return text_.substr(start, position_ - start);
  }

  std::string_view take_if(bool matches) {
    if (at_end() || !matches) return {};
    return text_.substr(position_++, 1);
  }

  std::string_view take_if_order() { return take_if(is_order(peek())); }

  std::string_view take_repeats() {  // [ ]*[(]?[ ,0-9]*[)]?[ ]*
    const auto is_blank = [](char c) { return c == ' '; };
    const std::size_t start = position_;
    take_while(is_blank);
    take_if(peek() == '(');
    take_while([](char c) { return c == ' ' || c == ',' || is_digit(c); });
    take_if(peek() == ')');
    take_while(is_blank);
    return text_.substr(start, position_ - start);
  }

  std::string_view take_name() {  // [A-Za-z0-9.?]*(\[[a-zA-Z0-9,.]+\])?
    const auto in_brackets = [](char c) {
      return is_letter(c) || is_digit(c) || c == ',' || c == '.';
    };
    const std::size_t start = position_;
    take_while([](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '?'; });
    const std::size_t bracket = position_;
    const bool closed = !take_if(peek() == '[').empty() && !take_while(in_brackets).empty() &&
                        !take_if(peek() == ']').empty();
    if (!closed) position_ = bracket;
    return text_.substr(start, position_ - start);
  }

  void take_comma() {
    take_while(is_space);
    comma_ = !take_if(peek() == ',').empty();
    if (comma_) take_while(is_space);
    if (!comma_ && !at_end()) refuse_dtype("types between commas", quoted(text_));
  }

  static std::string_view native(std::string_view order) {
    if (order != "=") return order;
    return native_byte_order == byte_order::little ? "<" : ">";
  }

  // Python reads the repeats as a literal: `2` and `(2)` are an integer, `2,3` is a tuple.
  static item repeated(const item& base, std::string_view repeats) {
    if (std::ranges::all_of(repeats, is_space)) refuse_dtype("no leading space", quoted(repeats));
    const std::string source = fmt::format("({})", repeats);
    const literal_document document(source, {.code = errc::bad_dtype});
    return sub_array(base, document.root());
  }

  std::string_view text_;
  std::size_t position_ = 0;
  bool comma_ = false;
};

item read_comma_string(std::string_view text) {
  comma_string parts(text);
  std::vector<item> items;
  while (!parts.at_end()) items.push_back(parts.next());
  if (items.size() == 1) {
    // NumPy 1 ignores the comma of `i4,`, NumPy 2 makes a record of it.
    if (parts.ends_in_comma()) refuse_dtype("a type behind the comma", quoted(text));
    return std::move(items.front());
  }
  packed_record record;
  for (std::size_t i = 0; i < items.size(); ++i) {
    record.add(fmt::format("f{}", i), std::nullopt, std::move(items[i]));
  }
  return {std::move(record).finish()};
}

}  // namespace

item read_type_string(std::string_view text) {
  return is_comma_string(text) ? read_comma_string(text) : item{read_simple(text)};
}

std::string type_string(const dtype& type) {
  const auto order = static_cast<char>(type.byte_order());
  const auto kind = static_cast<char>(type.kind());
  if (type.kind() == dtype_kind::object) return fmt::format("{}{}", order, kind);
  const index_t size = type.kind() == dtype_kind::unicode ? type.itemsize() / 4 : type.itemsize();
  return fmt::format("{}{}{}{}", order, kind, size, time_step_string(type.step()));
}

}  // namespace npymap::detail
