/// \file
/// One field as one element.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <npymap/dtype.hpp>
#include <npymap/shape.hpp>

#include "text/text_dialect.hpp"

namespace npymap::text {

/// How fields become elements of a dtype that is no record.
class field_value {
 public:
  /// \throws error bad_dtype, object_dtype for what text cannot hold
  explicit field_value(const dtype& type);
  /// Instead of elements: how many characters they would have (int64).
  static field_value length();

  const dtype& type() const noexcept { return type_; }
  index_t itemsize() const noexcept { return type_.itemsize(); }
  /// "a float64": what a field has to be.
  const std::string& expected() const noexcept { return expected_; }

  /// Put a field at `out`, which need not be aligned; false if it is no such element.
  bool parse(std::string_view field, const text_dialect& dialect, std::byte* out) const noexcept {
    return parse_(field, *this, dialect, out);
  }
  /// What stands for a missing field if nobody says otherwise; nothing if there is no such element.
  std::optional<std::string> default_filling() const;

  /// Whether elements are what fields hold, rather than how long they are.
  bool is_of_fields() const noexcept { return is_of_fields_; }
  bool is_swapped() const noexcept { return type_.byte_order() == swapped_order; }

 private:
  static constexpr byte_order swapped_order =
      native_byte_order == byte_order::little ? byte_order::big : byte_order::little;
  using parser = bool (*)(std::string_view, const field_value&, const text_dialect&,
                          std::byte*) noexcept;
  static parser parser_of(const dtype& type) noexcept;

  dtype type_;
  parser parse_ = nullptr;
  std::string expected_;
  bool is_of_fields_ = true;
};

}  // namespace npymap::text
