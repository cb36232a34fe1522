// Any text is a format or an npymap::error; a value of any bits, written with it, is text no longer
// than its width, its precision and the digits of the longest number.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <npymap/error.hpp>
#include <npymap/header.hpp>

#include "text/percent_format.hpp"
#include "text/put_value.hpp"

namespace {

using namespace npymap;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_values(const text::conversion& how, const std::byte* item) {
  static const dtype types[] = {
      parse_descr("'|b1'"),  parse_descr("'<i1'"),    parse_descr("'<u8'"),
      parse_descr("'<f2'"),  parse_descr("'<f4'"),    parse_descr("'<f8'"),
      parse_descr("'<f16'"), parse_descr("'<c16'"),   parse_descr("'|S9'"),
      parse_descr("'<U5'"),  parse_descr("'<M8[D]'"), parse_descr("'<m8[7s]'"),
      parse_descr("'|V7'"),  parse_descr("'<i8'"),    parse_descr("'<M8[as]'"),
      parse_descr("'<c32'")};
  text::text_buffer out;
  for (const dtype& type : types) {
    for (const auto encoding : {text_encoding::utf8, text_encoding::latin1}) {
      const text::put_function put = text::find_put(type, how);
      if (put == nullptr) continue;
      out.cut(0);
      text::text_target to{out, encoding};
      try {
        put(to, how, type, item);
      } catch (const text::unfit_value& e) {
        require(!e.expected.empty());
      }
      const auto most = static_cast<std::size_t>(std::max(how.width, how.precision));
      require(out.size() <= 4 * most + 5000);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::byte item[32] = {};
  const std::size_t used = std::min(size, sizeof item);
  std::copy_n(reinterpret_cast<const std::byte*>(data), used, item);
  const std::string_view format(reinterpret_cast<const char*>(data) + used, size - used);
  try {
    const text::percent_format parsed = text::parse_percent_format(format);
    require(parsed.cells.size() <= format.size() / 2);
    for (std::size_t n = 0; n < std::min<std::size_t>(parsed.cells.size(), 3); ++n) {
      check_values(parsed.cells[n].how, item);
    }
  } catch (const error& e) {
    require(e.code() == errc::invalid_argument);
    require(std::string_view(e.what()).size() < 1000);
  }
  return 0;
}
