/// \file
/// Python literals, as far as an NPY header can hold them: read, never evaluated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <string>
#include <string_view>
#include <vector>

#include <npymap/error.hpp>

namespace npymap::detail {

enum class literal_kind : std::uint8_t { none, boolean, integer, string, tuple, list, dict };

/// "a list", "a string", for messages.
const char* describe(literal_kind kind) noexcept;

/// One value. It lies in an array, with its parts, and theirs, right behind it: iterating over a
/// tuple, a list or a dict (key, value, key, value) gives its own parts.
struct literal {
  class iterator {
   public:
    explicit iterator(const literal* at) noexcept : at_(at) {}
    const literal& operator*() const noexcept { return *at_; }
    iterator& operator++() noexcept {
      at_ += at_->span;
      return *this;
    }
    friend bool operator==(const iterator&, const iterator&) = default;

   private:
    const literal* at_;
  };

  literal_kind kind = literal_kind::none;
  bool fits = true;          ///< of an integer: false beyond 64 bits, where `integer` says nothing
  std::uint32_t span = 1;    ///< of this value and all its parts, in the array
  std::uint32_t parts = 0;   ///< its own; a dict counts keys and values
  std::int64_t integer = 0;  ///< of an integer; 0 or 1 of a boolean
  std::string_view text = {};  ///< of a string, in UTF-8
  std::size_t offset = 0;      ///< of its first byte in the source

  iterator begin() const noexcept { return iterator(this + 1); }
  iterator end() const noexcept { return iterator(this + span); }
};

enum class text_encoding : std::uint8_t { latin1, utf8 };

struct literal_syntax {
  text_encoding encoding = text_encoding::utf8;
  bool filtered = false;         ///< behind NumPy's filter: `6L` of Python 2, blanks at the end
  errc code = errc::bad_header;  ///< of every error
};

/// A literal and what it is made of. Its strings may point into the source, which must outlive it.
class literal_document {
 public:
  /// Read what `ast.literal_eval` takes, less what no header needs: numbers that are no integers,
  /// bytes, sets, `...`, `\N{...}`, lone surrogates, and dicts whose keys are not strings.
  ///
  /// Brackets nest 200 deep, as in Python. Time and memory are linear in the source.
  /// \throws error of the code in `syntax`, whose byte counts from the start of the source
  literal_document(std::string_view source, literal_syntax syntax);

  const literal& root() const noexcept { return values_.front(); }

 private:
  class reader;

  std::vector<literal> values_;
  std::forward_list<std::string> strings_;  // those that are not verbatim in the source
};

}  // namespace npymap::detail
