#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <boost/endian/conversion.hpp>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/error.hpp>

#include "array/array_access.hpp"
#include "array/npy_file.hpp"
#include "io/aligned_buffer.hpp"
#include "io/file.hpp"
#include "io/read_large.hpp"

namespace npymap {
namespace {

template <class Word>
void reverse_words(std::span<std::byte> bytes) {
  // The buffer is aligned for every word, and its length a multiple: it holds whole elements.
  const auto words = std::span(reinterpret_cast<Word*>(bytes.data()), bytes.size() / sizeof(Word));
  for (Word& word : words) boost::endian::endian_reverse_inplace(word);
}

// Turn the numbers of an array round, a component at a time: a complex is two numbers.
void reverse_bytes(const any_array& elements) {
  const dtype_kind kind = elements.dtype().kind();
  const bool is_complex = kind == dtype_kind::complex_floating;
  const index_t width = kind == dtype_kind::unicode ? 4  // UTF-32, a character at a time
                                                    : elements.itemsize() / (is_complex ? 2 : 1);
  const std::span bytes(elements.data(), static_cast<std::size_t>(elements.size_bytes()));
  switch (width) {
    case 2:
      return reverse_words<std::uint16_t>(bytes);
    case 4:
      return reverse_words<std::uint32_t>(bytes);
    case 8:
      return reverse_words<std::uint64_t>(bytes);
    default:
      for (std::size_t at = 0; at < bytes.size(); at += static_cast<std::size_t>(width)) {
        std::ranges::reverse(bytes.subspan(at, static_cast<std::size_t>(width)));
      }
  }
}

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

// The same dtype in the machine's byte order; records keep theirs, field by field.
dtype native(const dtype& type) {
  switch (type.kind()) {
    case dtype_kind::datetime:
    case dtype_kind::timedelta:
      return dtype::time(type.kind(), type.step());
    case dtype_kind::unicode:
      return dtype::text(type.kind(), type.itemsize() / 4);
    case dtype_kind::bytes:
    case dtype_kind::record:
    case dtype_kind::object:
      return type;
    default:
      return dtype::scalar(type.kind(), type.itemsize());
  }
}

}  // namespace

any_array load(const std::string& path, const open_options& options) {
  const io::file opened = io::file::open(path, open_mode::read);
  const detail::npy_elements found = detail::find_elements(opened, options);
  return load_elements(opened, found, found.facts.dtype);
}

any_array detail::load_native(const std::string& path, const dtype& wanted,
                              const open_options& options) {
  const io::file opened = io::file::open(path, open_mode::read);
  const npy_elements found = find_elements(opened, options);
  const dtype& stored = found.facts.dtype;
  if (native(stored) != wanted) {  // before what may be a long read
    throw error(errc::dtype_mismatch, {.path = path,
                                       .subject = "dtype",
                                       .expected = descr(wanted) + " in either byte order",
                                       .found = descr(stored)});
  }
  any_array loaded = load_elements(opened, found, wanted);
  if (!stored.is_native() && !stored.is_record()) reverse_bytes(loaded);
  return loaded;
}

}  // namespace npymap
