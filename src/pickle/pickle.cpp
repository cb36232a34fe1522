#include <npymap/pickle.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "array/array_access.hpp"
#include "array/npy_file.hpp"
#include "format/magic.hpp"
#include "io/aligned_buffer.hpp"
#include "io/file.hpp"
#include "io/read_large.hpp"
#include "pickle/escaped_text.hpp"
#include "pickle/object_value.hpp"
#include "pickle/opcode.hpp"
#include "pickle/pickle_array.hpp"
#include "pickle/pickle_machine.hpp"
#include "pickle/pickle_walk.hpp"

namespace npymap {
namespace {

using pickle::array_facts;
using pickle::named_value;
using pickle::value_ref;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

header header_of(const array_facts& facts) {
  header told;
  told.dtype = facts.dtype;
  told.shape = facts.shape;
  told.order = facts.order;
  return told;
}

/// A file, and what its pickle has made.
class opened_pickle {
 public:
  opened_pickle(const std::string& path, const pickle_options& options)
      : options_(options),
        file_(io::file::open(path, open_mode::read)),
        bytes_(file_, begin()),
        pool_(options.limits.memory_bytes),
        dtypes_(bytes_, pool_) {
    require_mode();
    const value_ref root = pickle::pickle_machine(bytes_, pool_, dtypes_).run();
    arrays_ = pickle::arrays_of(bytes_, pool_, root, options.limits.depth);
  }

  const std::vector<named_value>& arrays() const noexcept { return arrays_; }
  array_facts facts(const named_value& array) {
    try {
      return pickle::facts_of(dtypes_, array.at);
    } catch (const error& e) {
      throw e.in_file(file_.path(), 0, array.name);
    }
  }
  const named_value& find(std::string_view name) const;
  any_array open(const named_value& array) &&;
  std::vector<pickled_value> objects(const named_value& array);
  /// Whether the elements are in the file as they are in memory.
  bool is_in_place(const array_facts& facts) const {
    return !facts.has_object && pool_[facts.data].coding == pickle::coding::plain;
  }
  std::uint64_t offset_of(const array_facts& facts) const { return pool_[facts.data].range.offset; }

 private:
  std::uint64_t begin() const;
  void require_mode() const;
  any_array decode(const array_facts& facts) const;

  const pickle_options options_;
  io::file file_;
  pickle::pickle_bytes bytes_;
  pickle::value_pool pool_;
  pickle::dtype_store dtypes_;
  std::vector<named_value> arrays_;
};

void opened_pickle::require_mode() const {
  if (options_.mode == open_mode::read || options_.mode == open_mode::copy_on_write) return;
  throw error(errc::invalid_argument, {.path = file_.path(),
                                       .subject = "mode",
                                       .expected = "r or c for a pickle",
                                       .found = "one that writes"});
}

// Behind the header, in a `.npy` of Python objects.
std::uint64_t opened_pickle::begin() const {
  std::array<std::byte, 16> start;
  const auto found = std::span(start).first(file_.read_at(start, 0));
  if (text_of(found).starts_with(detail::magic)) {
    const header facts = detail::read_header(file_, 0, file_.size_bytes(), default_header_limit);
    if (facts.dtype.has_object()) return facts.data_offset_bytes;
    throw error(errc::not_pickle, {.path = file_.path(),
                                   .subject = "kind of file",
                                   .expected = "a pickle",
                                   .found = "an npy of " + descr(facts.dtype)});
  }
  constexpr std::string_view may_begin = "(])}cCBFGIJKLMNSTUVX\x80";  // what pushes something
  // bzip2's and lzma's, which would push something and then go astray.
  const bool is_packed =
      text_of(found).starts_with("BZh") || text_of(found).starts_with(std::string_view("]\0", 2));
  if (!found.empty() && !is_packed && may_begin.find(text_of(found)[0]) != std::string_view::npos) {
    return 0;
  }
  throw error(errc::not_pickle,
              {.path = file_.path(),
               .subject = "kind of file",
               .expected = "a pickle (joblib's when it is not compressed)",
               .found = found.empty() ? "an empty file" : quoted(text_of(found))});
}

const named_value& opened_pickle::find(std::string_view name) const {
  if (name.empty() && arrays_.size() == 1) return arrays_.front();
  const auto found = std::ranges::find(arrays_, name, &named_value::name);
  if (found != arrays_.end() && !name.empty()) {
    // Of keys that are there twice Python takes the last; others look alike in a name alone.
    const bool is_one =
        std::ranges::find(found + 1, arrays_.end(), name, &named_value::name) == arrays_.end();
    if (is_one) return *found;
    throw error(errc::bad_pickle, {.path = file_.path(),
                                   .subject = "pickled array",
                                   .expected = "one array called " + quoted(name),
                                   .found = "more"});
  }
  constexpr std::size_t most_told = 5;
  std::string names;
  for (std::size_t i = 0; i < std::min(most_told, arrays_.size()); ++i) {
    names += (i == 0 ? "" : ", ") + arrays_[i].name;
  }
  if (arrays_.size() > most_told) names += fmt::format(" and {} more", arrays_.size() - most_told);
  throw error(errc::out_of_range,
              {.path = file_.path(),
               .subject = "pickled array",
               .expected = arrays_.empty() ? "a pickle with an array" : "one of " + names,
               .found = arrays_.empty() ? "one without"
                        : name.empty()  ? "no name"
                                        : quoted(name)});
}

any_array opened_pickle::open(const named_value& array) && {
  const array_facts facts = this->facts(array);
  try {
    if (facts.has_object) {
      throw error(errc::object_dtype,
                  {.subject = "pickled array",
                   .expected = "elements (read_pickled_objects reads plain objects)",
                   .found = "Python objects"});
    }
    if (!is_in_place(facts)) return decode(facts);
    const header told = header_of(facts);
    const std::uint64_t offset = offset_of(facts);
    try {
      return detail::array_access::over(
          io::map_file(file_.share(), options_.mode, offset, facts.size_bytes), told);
    } catch (const error& e) {
      if (!io::is_refused_map(e)) throw;
    }
    io::aligned_buffer memory(static_cast<std::size_t>(facts.size_bytes));
    if (io::read_large(file_, memory.bytes(), offset) != memory.size_bytes()) {
      throw error(errc::truncated, {.subject = "pickled array", .byte_offset = offset});
    }
    return detail::array_access::over(std::move(memory), file_.path(), told);
  } catch (const error& e) {
    throw e.in_file(file_.path(), 0, array.name);
  }
}

any_array opened_pickle::decode(const array_facts& facts) const {
  const pickle::value& data = pool_[facts.data];
  if (facts.size_bytes > options_.limits.decoded_bytes) {
    throw error(errc::out_of_range, {.subject = "pickled array",
                                     .expected = fmt::format("at most {} bytes to decode",
                                                             options_.limits.decoded_bytes),
                                     .found = fmt::format("{}", facts.size_bytes)});
  }
  constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 20;
  io::aligned_buffer memory(static_cast<std::size_t>(facts.size_bytes));
  pickle::text_decoder decoder(data.coding);
  std::size_t filled = 0;
  std::string decoded;
  bool is_good = true;
  const auto take = [&] {
    is_good = is_good && decoded.size() <= memory.size_bytes() - filled;
    if (!is_good) return;
    std::copy_n(reinterpret_cast<const std::byte*>(decoded.data()), decoded.size(),
                memory.data() + filled);
    filled += decoded.size();
    decoded.clear();
  };
  for (std::uint64_t done = 0; done < data.range.size && is_good; done += piece_bytes) {
    const std::uint64_t n = std::min(piece_bytes, data.range.size - done);
    is_good = decoder.decode(bytes_.text({data.range.offset + done, n}), decoded);
    take();
  }
  is_good = is_good && decoder.finish(decoded);
  take();
  if (!is_good || filled != memory.size_bytes()) {
    pickle::refuse("pickled array", fmt::format("{} bytes as text", facts.size_bytes), "others",
                   data.range.offset);
  }
  return detail::array_access::over(std::move(memory), file_.path(), header_of(facts));
}

std::vector<pickled_value> opened_pickle::objects(const named_value& array) {
  const array_facts facts = this->facts(array);
  try {
    if (facts.dtype.kind() != dtype_kind::object) {
      throw error(
          errc::dtype_mismatch,
          {.subject = "pickled array", .expected = "Python objects", .found = descr(facts.dtype)});
    }
    // NumPy lists objects in C order, whatever the order of the array.
    std::vector<pickled_value> values;
    const std::vector<value_ref>& parts = pool_[facts.data].parts;
    // One text may be there many times, and is as many copies.
    std::uint64_t room = options_.limits.memory_bytes;
    const std::uint64_t for_all = parts.size() * sizeof(pickled_value);
    if (for_all > room) pickle::refuse_memory(room);
    room -= for_all;
    values.reserve(parts.size());
    for (const value_ref at : parts) {
      const pickle::value& of = pool_[at];
      const bool is_scalar = of.kind == pickle::value_kind::scalar && of.parts.size() == 2;
      const std::uint64_t bytes = (is_scalar ? pool_[of.parts[1]] : of).range.size;
      if (bytes > room) pickle::refuse_memory(options_.limits.memory_bytes);
      values.push_back(pickle::object_value(dtypes_, at));
      room -= bytes;
    }
    return values;
  } catch (const error& e) {
    throw e.in_file(file_.path(), 0, array.name);
  }
}

// Tells failures of the bytes of a pickle as those of its file.
template <class F>
auto reading(const std::string& path, const F& read) try {
  return read();
} catch (const error& e) {
  throw e.in_file(path);
}

}  // namespace

bool is_pickle(std::span<const std::byte> start) noexcept {
  const std::string_view text = text_of(start);
  if (text.size() < 2) return false;
  if (static_cast<std::uint8_t>(text[0]) == pickle::op_proto) {
    return static_cast<std::uint8_t>(text[1]) <= pickle::newest_protocol;
  }
  constexpr std::string_view begins[] = {"cnumpy", "ccollections", "(lp", "(dp", "(l(", "(t",
                                         "(c",     "]q",           "}q",  "(d",  "(l."};
  return std::ranges::any_of(begins, [&](std::string_view b) { return text.starts_with(b); });
}

std::vector<pickled_array> pickled_arrays(const std::string& path, const pickle_options& options) {
  return reading(path, [&] {
    opened_pickle opened(path, options);
    std::vector<pickled_array> list;
    for (const named_value& each : opened.arrays()) {
      array_facts facts = opened.facts(each);
      pickled_array told{.name = each.name,
                         .dtype = std::move(facts.dtype),
                         .shape = facts.shape,
                         .order = facts.order};
      if (opened.is_in_place(facts)) {
        told.data_offset_bytes = opened.offset_of(facts);
      }
      list.push_back(std::move(told));
    }
    return list;
  });
}

any_array read_pickled_array(const std::string& path, std::string_view name,
                             const pickle_options& options) {
  return reading(path, [&] {
    opened_pickle opened(path, options);
    const named_value& found = opened.find(name);
    return std::move(opened).open(found);
  });
}

std::vector<pickled_value> read_pickled_objects(const std::string& path, std::string_view name,
                                                const pickle_options& options) {
  return reading(path, [&] {
    opened_pickle opened(path, options);
    return opened.objects(opened.find(name));
  });
}

}  // namespace npymap
