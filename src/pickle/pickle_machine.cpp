#include "pickle/pickle_machine.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "pickle/opcode.hpp"

namespace npymap::pickle {
namespace {

// Of the text of a number; Python's own limit for the digits of an int is 4300.
constexpr std::uint64_t longest_number = 4300;

}  // namespace

pickle_machine::pickle_machine(pickle_bytes& from, value_pool& pool, dtype_store& dtypes,
                               joblib_arrays joblib)
    : from_(from),
      pool_(pool),
      dtypes_(dtypes),
      joblib_(joblib),
      none_(pool.add({.kind = value_kind::none, .range = {no_offset, 0}})),
      true_(pool.add({.kind = value_kind::boolean, .integer = 1, .range = {no_offset, 0}})),
      false_(pool.add({.kind = value_kind::boolean, .integer = 0, .range = {no_offset, 0}})) {}

void pickle_machine::refuse_here(std::string expected, std::string found) const {
  refuse("pickle", std::move(expected), std::move(found), opcode_offset_);
}

value_ref pickle_machine::run() {
  for (;;) {
    opcode_offset_ = from_.position();
    const std::uint8_t opcode = from_.byte();
    if (opcode == op_stop) return pop();
    const bool is_known = step(opcode) || step_number(opcode) || step_text(opcode) ||
                          step_container(opcode) || step_memo(opcode) || step_object(opcode);
    if (!is_known) refuse_here("an opcode", fmt::format("byte 0x{:02x}", opcode));
  }
}

bool pickle_machine::step(std::uint8_t opcode) {
  switch (opcode) {
    case op_proto: {
      const std::uint8_t protocol = from_.byte();
      if (protocol <= newest_protocol) return true;
      refuse_here(fmt::format("protocol 0 to {}", newest_protocol), fmt::format("{}", protocol));
    }
    case op_frame:  // opcodes follow as they would without: only readers of pipes need to know
      from_.number<std::uint64_t>();
      return true;
    case op_mark:
      pool_.grow(2);
      marks_.push_back(stack_.size());
      return true;
    case op_pop:
      if (!marks_.empty() && stack_.size() == marks_.back()) {
        marks_.pop_back();
      } else {
        pop();
      }
      return true;
    case op_pop_mark:
      pop_to_mark();
      return true;
    case op_dup:
      push(value_ref{top()});
      return true;
    default:
      return false;
  }
}

// Text and bytes have a place of their own behind the opcode, and so one beyond 0.
value_ref pickle_machine::add(value made) {
  if (made.range.offset == 0) made.range.offset = opcode_offset_;
  return pool_.add(std::move(made));
}

void pickle_machine::push(value_ref made) {
  pool_.grow(1);
  stack_.push_back(made);
}

value_ref& pickle_machine::top() {
  if (stack_.size() == (marks_.empty() ? 0 : marks_.back())) {
    refuse_here("a value on the stack", "none");
  }
  return stack_.back();
}

value_ref pickle_machine::pop() {
  const value_ref last = top();
  stack_.pop_back();
  return last;
}

pickle_machine::stack pickle_machine::pop_to_mark() {
  if (marks_.empty()) refuse_here("a mark on the stack", "none");
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  stack parts(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return parts;
}

bool pickle_machine::step_number(std::uint8_t opcode) {
  const auto integer = [this](std::int64_t n) {
    push({.kind = value_kind::integer, .integer = n});
    return true;
  };
  switch (opcode) {
    case op_none:
      push(value_ref{none_});
      return true;
    case op_newtrue:
      push(value_ref{true_});
      return true;
    case op_newfalse:
      push(value_ref{false_});
      return true;
    case op_binint:
      return integer(from_.number<std::int32_t>());
    case op_binint1:
      return integer(from_.byte());
    case op_binint2:
      return integer(from_.number<std::uint16_t>());
    case op_int:
    case op_long:
      push_line_number(opcode == op_long);
      return true;
    case op_long1:
      push_long(from_.byte());
      return true;
    case op_long4: {
      const auto n = from_.number<std::int32_t>();
      if (n < 0) refuse_here("the bytes of an int", fmt::format("{}", n));
      push_long(static_cast<std::uint64_t>(n));
      return true;
    }
    case op_float:
      push_line_float();
      return true;
    case op_binfloat: {  // big-endian, alone of all
      std::uint64_t bits = 0;
      for (int i = 0; i < 8; ++i) bits = bits << 8 | from_.byte();
      push({.kind = value_kind::floating, .floating = std::bit_cast<double>(bits)});
      return true;
    }
    default:
      return false;
  }
}

void pickle_machine::push_line_number(bool is_long) {
  const byte_range line = from_.skip_line();
  if (line.size > longest_number) refuse_here("a number", "a long line");
  std::string text = from_.text(line);
  // "01" and "00" are how protocol 0 says True and False.
  if (!is_long && (text == "00" || text == "01")) return push(text == "01" ? true_ : false_);
  if (is_long && text.ends_with('L')) text.pop_back();
  std::int64_t n = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, n);
  // Python takes what has zeros in front for octal, or for nothing, and writes none.
  const std::size_t first = text.starts_with('-') ? 1 : 0;
  const bool has_zeros = text.size() > first + 1 && text[first] == '0';
  if (stop != end || text.empty() || has_zeros) refuse_here("an int", quoted(text));
  if (failure == std::errc()) return push({.kind = value_kind::integer, .integer = n});
  push({.kind = value_kind::large_integer,
        .coding = coding::decimal,
        .range = {line.offset, text.size()}});
}

void pickle_machine::push_line_float() {
  const byte_range line = from_.skip_line();
  if (line.size > longest_number) refuse_here("a number", "a long line");
  const std::string text = from_.text(line);
  double x = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, x);
  if (failure != std::errc() || stop != end) refuse_here("a float", quoted(text));
  push({.kind = value_kind::floating, .floating = x});
}

void pickle_machine::push_long(std::uint64_t bytes) {
  if (bytes > sizeof(std::int64_t)) return push_range(value_kind::large_integer, bytes);
  std::uint64_t n = 0;
  for (std::uint64_t i = 0; i < bytes; ++i) n |= std::uint64_t{from_.byte()} << (8 * i);
  const bool is_negative = bytes > 0 && (n >> (8 * bytes - 1) & 1) != 0;
  if (is_negative && bytes < sizeof n) n |= ~std::uint64_t{0} << (8 * bytes);
  push({.kind = value_kind::integer, .integer = static_cast<std::int64_t>(n)});
}

void pickle_machine::push_range(value_kind kind, std::uint64_t bytes, coding written_as) {
  push({.kind = kind, .coding = written_as, .range = from_.skip(bytes)});
}

// Python 2 wrote the bytes of its str as a literal.
void pickle_machine::push_quoted() {
  byte_range line = from_.skip_line();
  while (line.size > 0 && from_.text({line.offset + line.size - 1, 1}) == " ") --line.size;
  if (line.size >= 2) {
    const std::string first = from_.text({line.offset, 1});
    const bool is_quote = first == "'" || first == "\"";
    if (is_quote && from_.text({line.offset + line.size - 1, 1}) == first) {
      return push({.kind = value_kind::bytes,
                   .coding = coding::string_escape,
                   .range = {line.offset + 1, line.size - 2}});
    }
  }
  refuse_here("a str in quotes", "something else");
}

bool pickle_machine::step_text(std::uint8_t opcode) {
  switch (opcode) {
    case op_string:
      push_quoted();
      return true;
    case op_unicode:
      push({.kind = value_kind::text, .coding = coding::raw_escape, .range = from_.skip_line()});
      return true;
    case op_binstring: {
      const auto n = from_.number<std::int32_t>();
      if (n < 0) refuse_here("the bytes of a str", fmt::format("{}", n));
      push_range(value_kind::bytes, static_cast<std::uint64_t>(n));
      return true;
    }
    case op_short_binstring:
    case op_short_binbytes:
      push_range(value_kind::bytes, from_.byte());
      return true;
    case op_binbytes:
      push_range(value_kind::bytes, from_.number<std::uint32_t>());
      return true;
    case op_binbytes8:
    case op_bytearray8:
      push_range(value_kind::bytes, from_.number<std::uint64_t>());
      return true;
    case op_short_binunicode:
      push_range(value_kind::text, from_.byte());
      return true;
    case op_binunicode:
      push_range(value_kind::text, from_.number<std::uint32_t>());
      return true;
    case op_binunicode8:
      push_range(value_kind::text, from_.number<std::uint64_t>());
      return true;
    default:
      return false;
  }
}

void pickle_machine::push_tuple(stack parts) {
  push({.kind = value_kind::tuple, .parts = std::move(parts)});
}

bool pickle_machine::step_container(std::uint8_t opcode) {
  switch (opcode) {
    case op_empty_tuple:
    case op_tuple1:
    case op_tuple2:
    case op_tuple3: {
      stack parts(opcode == op_empty_tuple ? 0 : opcode - op_tuple1 + std::size_t{1});
      for (std::size_t i = parts.size(); i-- > 0;) parts[i] = pop();
      push_tuple(std::move(parts));
      return true;
    }
    case op_tuple:
      push_tuple(pop_to_mark());
      return true;
    case op_empty_list:
      push({.kind = value_kind::list});
      return true;
    case op_empty_dict:
      push({.kind = value_kind::dict});
      return true;
    case op_empty_set:
      push({.kind = value_kind::set});
      return true;
    case op_list:
    case op_frozenset:
      push(
          {.kind = opcode == op_list ? value_kind::list : value_kind::set, .parts = pop_to_mark()});
      return true;
    case op_dict: {
      const stack items = pop_to_mark();
      push({.kind = value_kind::dict});
      extend(items, value_kind::dict);
      return true;
    }
    case op_append:
      extend({pop()}, value_kind::list);
      return true;
    case op_appends:
      extend(pop_to_mark(), value_kind::list);
      return true;
    case op_additems:
      extend(pop_to_mark(), value_kind::set);
      return true;
    case op_setitem: {
      const value_ref item = pop(), key = pop();
      extend({key, item}, value_kind::dict);
      return true;
    }
    case op_setitems:
      extend(pop_to_mark(), value_kind::dict);
      return true;
    default:
      return false;
  }
}

// Of what is on top of the stack.
void pickle_machine::extend(const stack& items, value_kind container) {
  value& to = pool_[top()];
  if (to.kind != container) refuse_here(name_of(container), name_of(to.kind));
  if (container == value_kind::dict && items.size() % 2 != 0) {
    refuse_here("keys and values", "a key without a value");
  }
  pool_.grow(items.size());
  to.parts.insert(to.parts.end(), items.begin(), items.end());
}

bool pickle_machine::step_memo(std::uint8_t opcode) {
  const auto from_line = [this] {
    const byte_range line = from_.skip_line();
    std::uint64_t n = 0;
    const std::string text = line.size > longest_number ? std::string() : from_.text(line);
    const char* const end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data(), end, n);
    if (failure != std::errc() || stop != end) refuse_here("a place in the memo", quoted(text));
    return n;
  };
  switch (opcode) {
    case op_put:
      put(from_line());
      return true;
    case op_binput:
      put(from_.byte());
      return true;
    case op_long_binput:
      put(from_.number<std::uint32_t>());
      return true;
    case op_memoize:
      put(memo_.size());
      return true;
    case op_get:
      get(from_line());
      return true;
    case op_binget:
      get(from_.byte());
      return true;
    case op_long_binget:
      get(from_.number<std::uint32_t>());
      return true;
    default:
      return false;
  }
}

void pickle_machine::put(std::uint64_t at) {
  constexpr std::uint64_t entry = 8;  // of a hash table, in references
  const value_ref stored = top();
  if (memo_.insert_or_assign(at, stored).second) pool_.grow(entry);
}

void pickle_machine::get(std::uint64_t at) {
  const auto found = memo_.find(at);
  if (found == memo_.end()) refuse_here("a place in the memo", fmt::format("{}", at));
  push(value_ref{found->second});
}

}  // namespace npymap::pickle
