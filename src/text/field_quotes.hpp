/// \file
/// Quotes around the texts of rows that are written.
#pragma once

#include <cstddef>
#include <string_view>

#include <npymap/save_text.hpp>

#include "text/text_buffer.hpp"
#include "text/text_dialect.hpp"

namespace npymap::text {

/// Puts quotes around a field that without them would be read as another one, as none, or as more
/// than one. Safe to use from several threads.
class field_quotes {
 public:
  /// Of options that have a quote. \throws error invalid_argument for one that means something
  /// else as well
  explicit field_quotes(const save_text_options& options);

  /// What stands behind `begin` is all of a field.
  void put_around(text_buffer& out, std::size_t begin) const;

 private:
  bool stands_alone(std::string_view field) const;

  text_dialect dialect_;  // of whoever reads it
};

}  // namespace npymap::text
