#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/convert.hpp>
#include <npymap/error.hpp>

#include "array/array_access.hpp"
#include "array/dtype_advice.hpp"
#include "array/dtype_difference.hpp"
#include "array/native_order.hpp"
#include "array/npy_file.hpp"
#include "io/aligned_buffer.hpp"
#include "io/file.hpp"
#include "io/read_large.hpp"

namespace npymap {
namespace {

any_array load_elements(const io::file& opened, const detail::npy_elements& found,
                        const dtype& type) try {
  header facts = found.facts;
  facts.dtype = type;
  io::aligned_buffer bytes(static_cast<std::size_t>(found.size_bytes));
  const std::size_t got = io::read_large(opened, bytes.bytes(), found.offset_bytes);
  if (got != found.size_bytes) {  // it shrank since its size was asked
    throw error(errc::truncated, {.path = opened.path(),
                                  .subject = "array data",
                                  .expected = fmt::format("{} bytes", found.size_bytes),
                                  .found = fmt::format("{}", got),
                                  .byte_offset = found.offset_bytes});
  }
  return detail::array_access::over(std::move(bytes), opened.path(), facts);
} catch (const error& e) {
  throw e.in_file(opened.path());  // memory that is not to be had knows no file
}

}  // namespace

any_array load(const std::string& path, const open_options& options) {
  const io::file opened = io::file::open(path, open_mode::read, options.locking);
  const detail::npy_elements found = detail::find_elements(opened, options);
  return load_elements(opened, found, found.facts.dtype);
}

any_array detail::load_native(const std::string& path, const dtype& wanted,
                              const open_options& options) {
  const io::file opened = io::file::open(path, open_mode::read, options.locking);
  const npy_elements found = find_elements(opened, options);
  return in_native_order(path, found.facts.dtype, wanted,
                         [&](const dtype& type) { return load_elements(opened, found, type); });
}

any_array detail::in_native_order(const std::string& path, const dtype& stored, const dtype& wanted,
                                  const std::function<any_array(const dtype&)>& load) {
  if (!difference(wanted, stored)) return load(wanted);
  if (const auto differs = difference(wanted.with_byte_order(native_byte_order),
                                      stored.with_byte_order(native_byte_order))) {
    const bool by_field = wanted.is_record() && stored.is_record();
    throw error(errc::dtype_mismatch,  // before what may be a long read
                {.path = path,
                 .subject = differs->subject,
                 .expected = differs->expected + (by_field ? "" : " in either byte order") +
                             advice_for(stored, wanted),
                 .found = by_field ? differs->found : descr(stored) + reader_of(stored)});
  }
  if (stored.is_record()) return convert(load(stored), wanted);
  any_array loaded = load(wanted);  // and turn its bytes where they are
  convert_elements(stored, loaded.data(), loaded.layout(), wanted, loaded.data(), loaded.layout());
  return loaded;
}

}  // namespace npymap
