#include "pickle/pickle_array.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "format/type_string.hpp"

namespace npymap::pickle {
namespace {

constexpr std::uint64_t longest_name = std::uint64_t{1} << 16;
constexpr int deepest_dtype =
    32;  // NumPy's limit for axes, of which nested sub-arrays make one each
// Of all dtypes of a pickle together; NumPy writes its own in as many steps as they have fields.
constexpr std::uint64_t most_fields = std::uint64_t{1} << 20;
constexpr std::uint64_t bytes_per_field = 64;  // of names, longer ones count as more
constexpr std::size_t most_joblib_keys = 64;   // it writes six

// As NumPy's own headers are refused.
[[noreturn]] void refuse_size(const char* subject, const shape& extents, const dtype& type,
                              std::uint64_t at) {
  throw error(errc::size_overflow,
              {.subject = subject,
               .expected = "at most 2**63 - 1 bytes",
               .found = fmt::format("{} of {} bytes", to_string(extents), type.itemsize()),
               .byte_offset = told_offset(at)});
}

/// Reads dtypes of a pickle; what it is asked of may be anything.
class dtype_maker {
 public:
  /// Adds to `work`.
  dtype_maker(const pickle_bytes& from, const value_pool& pool, std::uint64_t& work)
      : from_(from), pool_(pool), work_(work) {}

  detail::item item_of(value_ref at, int depth = 0) const;
  shape shape_of(value_ref at) const;

 private:
  const value& part(const value& of, std::size_t i, value_kind kind, const char* what) const;
  std::string text(value_ref at) const { return text_of(from_, pool_[at], longest_name); }
  detail::item plain_item(const std::string& type, const value& state) const;
  std::string unit_of(const value& state) const;
  detail::item sub_array_of(const value& subdtype, int depth) const;
  dtype record_of(const value& state, int depth) const;
  std::unordered_map<std::string, value_ref> fields_by_name(const value& names,
                                                            const value& fields) const;
  field field_of(std::string name, const value& told, int depth) const;
  void count(std::uint64_t name_bytes) const;
  [[noreturn]] void refuse_part(const char* what, const value& found) const {
    refuse(std::string("pickled ") + what, "what NumPy writes", name_of(found.kind),
           found.range.offset);
  }

  const pickle_bytes& from_;
  const value_pool& pool_;
  std::uint64_t& work_;
};

// The state of a dtype: version, byte order, sub-array, names, fields, itemsize, alignment, flags,
// and of times the unit.
enum state_part : std::size_t {
  of_version,
  of_byte_order,
  of_sub_array,
  of_names,
  of_fields,
  of_itemsize,
  of_alignment,
  of_flags,
  of_unit,
};

const value& dtype_maker::part(const value& of, std::size_t i, value_kind kind,
                               const char* what) const {
  if (i >= of.parts.size()) refuse_part(what, of);
  const value& found = pool_[of.parts[i]];
  if (found.kind != kind) refuse_part(what, found);
  return found;
}

shape dtype_maker::shape_of(value_ref at) const {
  const value& given = pool_[at];
  if (given.kind == value_kind::integer) {  // of a sub-array
    if (given.integer < 0) refuse_part("shape", given);
    return {given.integer};
  }
  if (given.kind != value_kind::tuple) refuse_part("shape", given);
  if (given.parts.size() > static_cast<std::size_t>(max_rank)) {
    refuse("pickled shape", fmt::format("at most {} axes", max_rank),
           fmt::format("{}", given.parts.size()), given.range.offset);
  }
  shape extents;
  for (std::size_t i = 0; i < given.parts.size(); ++i) {
    const std::int64_t n = part(given, i, value_kind::integer, "shape").integer;
    if (n < 0)
      refuse("pickled shape", "no negative extent", fmt::format("{}", n), given.range.offset);
    extents.push_back(n);
  }
  return extents;
}

detail::item dtype_maker::item_of(value_ref at, int depth) const {
  const value& made = pool_[at];
  count(0);
  if (made.kind != value_kind::dtype || depth > deepest_dtype) refuse_part("dtype", made);
  const value& base = pool_[made.parts[0]];
  const bool is_record_type = base.kind == value_kind::global && base.name == global_name::record;
  const std::string type = is_record_type ? "V" : text(made.parts[0]);
  if (made.parts.size() < 2) return detail::read_type_string(type);
  const value& state = pool_[made.parts[1]];
  const std::int64_t version = part(state, of_version, value_kind::integer, "dtype").integer;
  const bool is_known = state.kind == value_kind::tuple && (version == 3 || version == 4) &&
                        state.parts.size() > of_flags;
  if (!is_known) refuse_part("dtype", state);
  const value& sub_array = pool_[state.parts[of_sub_array]];
  if (sub_array.kind != value_kind::none) return sub_array_of(sub_array, depth);
  if (pool_[state.parts[of_names]].kind != value_kind::none) return {record_of(state, depth)};
  return plain_item(type, state);
}

detail::item dtype_maker::plain_item(const std::string& type, const value& state) const {
  const std::string order = text(state.parts[of_byte_order]);
  const bool is_order = order == "<" || order == ">" || order == "|" || order == "=";
  if (!is_order) refuse("pickled dtype", "a byte order", quoted(order), state.range.offset);
  const bool is_time = type.starts_with('M') || type.starts_with('m');
  detail::item made =
      detail::read_type_string(order + type + (is_time ? unit_of(state) : std::string()));
  const dtype_kind kind = made.type.kind();
  const bool has_itemsize =
      kind == dtype_kind::bytes || kind == dtype_kind::unicode || kind == dtype_kind::raw;
  if (!has_itemsize) return made;
  // Of these Python believes the state rather than the name.
  const std::int64_t told = part(state, of_itemsize, value_kind::integer, "itemsize").integer;
  if (told == made.type.itemsize()) return made;
  refuse("pickled dtype", fmt::format("an itemsize of {}", made.type.itemsize()),
         fmt::format("{}", told), state.range.offset);
}

// ({}, (unit, count, 1, 1)), where a generic time has none.
std::string dtype_maker::unit_of(const value& state) const {
  if (state.parts.size() <= of_unit || pool_[state.parts[of_unit]].kind == value_kind::none) {
    return {};
  }
  const value& metadata = part(state, of_unit, value_kind::tuple, "unit of time");
  const value& step = part(metadata, 1, value_kind::tuple, "unit of time");
  const std::int64_t count = part(step, 1, value_kind::integer, "unit of time").integer;
  const std::int64_t divisor = part(step, 2, value_kind::integer, "unit of time").integer;
  if (divisor != 1)
    refuse("pickled unit of time", "no divisor", fmt::format("{}", divisor), step.range.offset);
  const std::string unit = text(step.parts[0]);
  return unit == "generic" ? std::string() : fmt::format("[{}{}]", count, unit);
}

detail::item dtype_maker::sub_array_of(const value& subdtype, int depth) const {
  if (subdtype.kind != value_kind::tuple || subdtype.parts.size() != 2) {
    refuse_part("sub-array", subdtype);
  }
  detail::item made = item_of(subdtype.parts[0], depth + 1);
  shape extents = shape_of(subdtype.parts[1]);
  if (extents.rank() + made.subshape.rank() > max_rank) refuse_part("sub-array", subdtype);
  for (const index_t extent : made.subshape) extents.push_back(extent);
  if (!array_bytes(extents, made.type.itemsize())) {
    refuse_size("pickled sub-array", extents, made.type, subdtype.range.offset);
  }
  made.subshape = extents;
  return made;
}

void dtype_maker::count(std::uint64_t name_bytes) const {
  work_ += 1 + name_bytes / bytes_per_field;
  if (work_ <= most_fields) return;
  throw error(errc::out_of_range,
              {.subject = "pickled dtypes",
               .expected = fmt::format("at most {} fields, those of fields included", most_fields),
               .found = "more"});
}

dtype dtype_maker::record_of(const value& state, int depth) const {
  const value& names = part(state, of_names, value_kind::tuple, "names of fields");
  const value& fields = part(state, of_fields, value_kind::dict, "fields");
  const auto by_name = fields_by_name(names, fields);
  std::vector<field> made;
  for (const value_ref name : names.parts) {
    std::string text = this->text(name);
    count(text.size());
    const auto found = by_name.find(text);
    if (found == by_name.end()) {
      refuse("pickled fields", "one called " + quoted(text), "none", pool_[name].range.offset);
    }
    made.push_back(field_of(std::move(text), pool_[found->second], depth));
  }
  return dtype::record(std::move(made),
                       part(state, of_itemsize, value_kind::integer, "itemsize").integer);
}

// {name: (dtype, offset) or (dtype, offset, title)}, and the same for each title. Of keys that are
// there twice Python takes the last.
std::unordered_map<std::string, value_ref> dtype_maker::fields_by_name(const value& names,
                                                                       const value& fields) const {
  if (fields.parts.size() / 2 > 2 * names.parts.size()) refuse_part("fields", fields);
  std::unordered_map<std::string, value_ref> found;
  for (std::size_t i = 0; i + 1 < fields.parts.size(); i += 2) {
    if (pool_[fields.parts[i]].kind != value_kind::text &&
        pool_[fields.parts[i]].kind != value_kind::bytes) {
      continue;  // a title that is no string
    }
    std::string key = text(fields.parts[i]);
    count(key.size());
    found.insert_or_assign(std::move(key), fields.parts[i + 1]);
  }
  return found;
}

field dtype_maker::field_of(std::string name, const value& told, int depth) const {
  if (told.kind != value_kind::tuple || (told.parts.size() != 2 && told.parts.size() != 3)) {
    refuse_part("field", told);
  }
  detail::item type = item_of(told.parts[0], depth + 1);
  field made{.name = std::move(name), .type = std::move(type.type)};
  made.subshape = type.subshape;
  made.offset_bytes = part(told, 1, value_kind::integer, "offset of a field").integer;
  // NumPy carries a title of any kind around; only strings are of use to find a field.
  if (told.parts.size() == 3 && pool_[told.parts[2]].kind != value_kind::none) {
    made.title = text(told.parts[2]);
  }
  return made;
}

}  // namespace

const dtype_store::made& dtype_store::of(value_ref type) {
  const auto known = known_.find(type);
  if (known != known_.end()) return known->second;
  detail::item item = dtype_maker(from_, pool_, work_).item_of(type);
  if (!item.subshape.empty()) {
    refuse("pickled dtype", "single elements", "a sub-array", pool_[type].range.offset);
  }
  const bool has_object = item.type.has_object();
  return known_.emplace(type, made{std::move(item.type), has_object}).first->second;
}

shape dtype_store::shape_of(value_ref at) { return dtype_maker(from_, pool_, work_).shape_of(at); }

array_facts facts_of(dtype_store& dtypes, value_ref array) {
  const value_pool& pool = dtypes.pool();
  const value& made = pool[array];
  if (made.parts.size() != 3) refuse("pickled array", "its state", "none", made.range.offset);
  const dtype_store::made& type = dtypes.of(made.parts[1]);
  array_facts facts{.dtype = type.dtype,
                    .shape = dtypes.shape_of(made.parts[0]),
                    .order = made.is_fortran ? order::fortran : order::c,
                    .has_object = type.has_object,
                    .data = made.parts[2]};
  const value& data = pool[facts.data];
  if (facts.has_object) {
    const auto count = element_count(facts.shape);
    if (!count || data.kind != value_kind::list ||
        data.parts.size() != static_cast<std::uint64_t>(*count)) {
      refuse("pickled array of objects", "a list of them",
             data.kind == value_kind::list ? fmt::format("a list of {}", data.parts.size())
                                           : name_of(data.kind),
             data.range.offset);
    }
    facts.size_bytes = data.parts.size();
    return facts;
  }
  const auto bytes = array_bytes(facts.shape, facts.dtype.itemsize());
  if (!bytes) refuse_size("pickled array", facts.shape, facts.dtype, made.range.offset);
  facts.size_bytes = static_cast<std::uint64_t>(*bytes);
  if (data.kind != value_kind::bytes) {
    refuse("pickled array", "bytes", name_of(data.kind), data.range.offset);
  }
  // What is written otherwise takes a byte at least for each.
  const bool fits = data.coding == coding::plain ? data.range.size == facts.size_bytes
                                                 : data.range.size >= facts.size_bytes;
  if (!fits) {
    refuse("pickled array", fmt::format("{} bytes", facts.size_bytes),
           fmt::format("{}", data.range.size), data.range.offset);
  }
  return facts;
}

joblib_state read_joblib_state(dtype_store& dtypes, value_ref state, std::uint64_t opcode_offset) {
  const pickle_bytes& from = dtypes.from();
  const value_pool& pool = dtypes.pool();
  const value& given = pool[state];
  if (given.kind != value_kind::dict) {
    refuse("array of joblib's", "a dict", name_of(given.kind), opcode_offset);
  }
  if (given.parts.size() > 2 * most_joblib_keys) {
    refuse("array of joblib's", "shape, dtype and order", "a large dict", opcode_offset);
  }
  const auto find = [&](std::string_view key) -> std::optional<value_ref> {
    for (std::size_t i = 0; i + 1 < given.parts.size(); i += 2) {
      if (text_of(from, pool[given.parts[i]], longest_name) == key) return given.parts[i + 1];
    }
    return {};
  };
  const auto shape_ref = find("shape"), type_ref = find("dtype"), order_ref = find("order");
  if (!shape_ref || !type_ref || !order_ref) {
    refuse("array of joblib's", "shape, dtype and order", "not all of them", opcode_offset);
  }
  const dtype_store::made& type = dtypes.of(*type_ref);
  if (type.has_object) return {.shape = *shape_ref, .dtype = *type_ref, .has_object = true};
  const shape extents = dtypes.shape_of(*shape_ref);
  const auto bytes = array_bytes(extents, type.dtype.itemsize());
  if (!bytes) refuse_size("array of joblib's", extents, type.dtype, opcode_offset);
  const auto alignment = find("numpy_array_alignment_bytes");
  return {.shape = *shape_ref,
          .dtype = *type_ref,
          .is_fortran = text_of(from, pool[*order_ref], longest_name) == "F",
          .is_aligned = alignment && pool[*alignment].kind != value_kind::none,
          .size_bytes = static_cast<std::uint64_t>(*bytes)};
}

}  // namespace npymap::pickle
