/// \file
/// Python's `%` notation, as `numpy.savetxt` takes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace npymap::text {

/// Wider columns, and more digits than these, would be memory that no number pays for.
inline constexpr int most_width = 1 << 20;

/// What stands between a `%` and its letter.
struct conversion {
  char letter = 's';
  bool left = false;       ///< `-`
  bool plus = false;       ///< `+`
  bool blank = false;      ///< ` `
  bool alternate = false;  ///< `#`
  bool zeros = false;      ///< `0`
  int width = 0;
  int precision = -1;  ///< where there is none
};

/// A value to format, and the text in front of it.
struct cell_format {
  std::string before;
  conversion how;
};

/// A whole format: values, and the text behind the last.
struct percent_format {
  std::vector<cell_format> cells;
  std::string after;
};

/// `%%` becomes `%`; the length modifiers h, l and L mean nothing, as in Python. \throws error
/// invalid_argument, with the byte, for what Python refuses, names in parentheses, `*` (of which
/// NumPy's numbers are none), and widths and precisions beyond `most_width`
percent_format parse_percent_format(std::string_view format);

}  // namespace npymap::text
