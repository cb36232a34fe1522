#include <complex>
#include <cstddef>
#include <string>
#include <type_traits>
#include <variant>

#include <fmt/format.h>

#include <npymap/dtype.hpp>
#include <npymap/pickle.hpp>

#include "cli/print/format.hpp"
#include "format/python_repr.hpp"

namespace npymap::cli {
namespace {

template <class T>
const std::byte* bytes_of(const T& value) {
  return reinterpret_cast<const std::byte*>(&value);
}

// But for text, `str` and `repr` are one.
std::string repr_of(const pickled_value& value) {
  const auto text_of = [](const auto& held) -> std::string {
    using type = std::remove_cvref_t<decltype(held)>;
    std::string text;
    if constexpr (std::is_same_v<type, std::monostate>) {
      text = "None";
    } else if constexpr (std::is_same_v<type, bool>) {
      text = held ? "True" : "False";
    } else if constexpr (std::is_integral_v<type>) {
      text = fmt::format("{}", held);
    } else if constexpr (std::is_same_v<type, double>) {
      text = float_text(dtype_of<double>(), bytes_of(held));
    } else if constexpr (std::is_same_v<type, pickled_complex>) {
      const double parts[] = {held.real, held.imag};
      text = complex_text(dtype_of<std::complex<double>>(), bytes_of(parts));
    } else if constexpr (std::is_same_v<type, pickled_bytes>) {
      append_bytes_repr(text, held.bytes);
    } else {
      detail::append_repr(text, held);
    }
    return text;
  };
  return std::visit(text_of, value);
}

}  // namespace

element_format object_format() {
  return [](std::string& out, const std::byte* at) {
    out += repr_of(*reinterpret_cast<const pickled_value*>(at));
  };
}

std::string object_text(const pickled_value& value) {
  const auto* const text = std::get_if<std::string>(&value);
  return text == nullptr ? repr_of(value) : *text;
}

}  // namespace npymap::cli
