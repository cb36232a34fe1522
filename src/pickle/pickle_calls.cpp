// What a pickle has Python import, call and build: names that are allowed, and what is made instead
// of calling them.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "pickle/opcode.hpp"
#include "pickle/pickle_array.hpp"
#include "pickle/pickle_machine.hpp"

namespace npymap::pickle {
namespace {

struct allowed_name {
  std::string_view module, name;
  global_name means;
};

// Of NumPy 1 and 2, of Python 2 and 3.
constexpr allowed_name allowed[] = {
    {"numpy.core.multiarray", "_reconstruct", global_name::reconstruct},
    {"numpy._core.multiarray", "_reconstruct", global_name::reconstruct},
    {"numpy.core.multiarray", "scalar", global_name::scalar},
    {"numpy._core.multiarray", "scalar", global_name::scalar},
    {"numpy.core.numeric", "_frombuffer", global_name::from_buffer},
    {"numpy._core.numeric", "_frombuffer", global_name::from_buffer},
    {"numpy", "ndarray", global_name::ndarray},
    {"numpy", "memmap", global_name::ndarray},
    {"numpy", "recarray", global_name::ndarray},
    {"numpy.rec", "recarray", global_name::ndarray},
    {"numpy.core.memmap", "memmap", global_name::ndarray},
    {"numpy", "matrix", global_name::ndarray},
    {"numpy.matrixlib.defmatrix", "matrix", global_name::ndarray},
    {"numpy.core.records", "recarray", global_name::ndarray},
    {"numpy._core.records", "recarray", global_name::ndarray},
    {"numpy", "dtype", global_name::dtype},
    {"numpy", "record", global_name::record},
    {"numpy.rec", "record", global_name::record},
    {"numpy.core.records", "record", global_name::record},
    {"numpy._core.records", "record", global_name::record},
    {"_codecs", "encode", global_name::encode},
    {"builtins", "bytes", global_name::bytes},
    {"__builtin__", "bytes", global_name::bytes},
    {"builtins", "bytearray", global_name::bytearray},
    {"__builtin__", "bytearray", global_name::bytearray},
    {"builtins", "complex", global_name::complex},
    {"__builtin__", "complex", global_name::complex},
    {"builtins", "list", global_name::list},
    {"__builtin__", "list", global_name::list},
    {"builtins", "set", global_name::set},
    {"__builtin__", "set", global_name::set},
    {"builtins", "frozenset", global_name::frozenset},
    {"__builtin__", "frozenset", global_name::frozenset},
    {"builtins", "dict", global_name::dict},
    {"__builtin__", "dict", global_name::dict},
    {"collections", "OrderedDict", global_name::dict},
    {"builtins", "object", global_name::object},
    {"__builtin__", "object", global_name::object},
    {"copyreg", "_reconstructor", global_name::new_object},
    {"copy_reg", "_reconstructor", global_name::new_object},
    {"joblib.numpy_pickle", "NumpyArrayWrapper", global_name::joblib_wrapper},
};

constexpr std::uint64_t longest_name = 1000;

// Without the quotes, and cut as all found text.
std::string without_quotes(std::string_view name) {
  const std::string text = quoted(name);
  return text.substr(1, text.size() - 2);
}

}  // namespace

void pickle_machine::refuse_name(std::string_view what) const {
  throw error(errc::refused_object,
              {.subject = without_quotes(what) + " refused", .byte_offset = opcode_offset_});
}

std::string pickle_machine::pop_name() { return text_of(from_, pool_[pop()], longest_name); }

void pickle_machine::push_global(std::string_view module, std::string_view name) {
  const auto* const found = std::ranges::find_if(allowed, [&](const allowed_name& each) {
    return each.module == module && each.name == name;
  });
  const bool is_allowed =
      found != std::end(allowed) &&
      (found->means != global_name::joblib_wrapper || joblib_ == joblib_arrays::read);
  if (!is_allowed) refuse_name(fmt::format("{}.{}", module, name));
  push({.kind = value_kind::global, .name = found->means});
}

bool pickle_machine::step_object(std::uint8_t opcode) {
  const auto line = [this] {
    const byte_range range = from_.skip_line();
    if (range.size > longest_name) refuse_here("a name", "a long line");
    return from_.text(range);
  };
  switch (opcode) {
    case op_global:
    case op_inst: {
      const std::string module = line(), name = line();
      push_global(module, name);
      if (opcode == op_global) return true;
      const value_ref type = pop();
      make_instance(type, pop_to_mark());
      return true;
    }
    case op_stack_global: {
      const std::string name = pop_name(), module = pop_name();
      push_global(module, name);
      return true;
    }
    case op_obj: {
      stack parts = pop_to_mark();
      if (parts.empty()) refuse_here("a type", "none");
      const value_ref type = parts.front();
      parts.erase(parts.begin());
      make_instance(type, parts);
      return true;
    }
    case op_newobj: {
      const value_ref arguments = pop(), type = pop();
      if (pool_[arguments].kind != value_kind::tuple) refuse_here("a tuple", "something else");
      make_instance(type, pool_[arguments].parts);
      return true;
    }
    case op_newobj_ex:
      refuse_name("a call with keywords");
    case op_reduce:
      reduce();
      return true;
    case op_build:
      build();
      return true;
    case op_persid:
    case op_binpersid:
      refuse_name("a persistent id");
    case op_ext1:
    case op_ext2:
    case op_ext4:
      refuse_name("an extension code");
    case op_next_buffer:
    case op_readonly_buffer:
      refuse_name("a buffer out of band");
    default:
      return false;
  }
}

bool pickle_machine::is_global(value_ref at, global_name name) const {
  return pool_[at].kind == value_kind::global && pool_[at].name == name;
}

void pickle_machine::reduce() {
  const value_ref arguments = pop(), callable = pop();
  if (pool_[arguments].kind != value_kind::tuple) {
    refuse_here("a tuple of arguments", name_of(pool_[arguments].kind));
  }
  push(call(callable, pool_[arguments].parts));
}

// Of what has a state, or is filled later.
void pickle_machine::make_instance(value_ref type, parts_view arguments) {
  if (is_global(type, global_name::joblib_wrapper) && arguments.empty()) {
    return push({.kind = value_kind::joblib_array});
  }
  if (is_global(type, global_name::dict) && arguments.empty()) {
    return push({.kind = value_kind::dict});
  }
  refuse_name("an object that is no plain data");
}

value_ref pickle_machine::call(value_ref callable, parts_view arguments) {
  if (pool_[callable].kind != value_kind::global) {
    refuse_here("a function", name_of(pool_[callable].kind));
  }
  const global_name name = pool_[callable].name;
  const std::size_t n = arguments.size();
  switch (name) {
    case global_name::reconstruct:
      if (n != 3 || !is_global(arguments[0], global_name::ndarray)) break;
      return add(value_kind::array);
    case global_name::from_buffer:
      return from_buffer(arguments);
    case global_name::dtype:
      if (n < 1) break;
      return add({.kind = value_kind::dtype, .parts = {arguments[0]}});
    case global_name::scalar:
      if (n < 1 || n > 2 || pool_[arguments[0]].kind != value_kind::dtype) break;
      return add({.kind = value_kind::scalar, .parts = stack(arguments.begin(), arguments.end())});
    case global_name::encode:
      return encode(arguments);
    case global_name::new_object:
      if (n == 3 && is_global(arguments[0], global_name::joblib_wrapper) &&
          is_global(arguments[1], global_name::object)) {
        return add(value_kind::joblib_array);
      }
      refuse_name("an object that is no plain data");
    default:
      return call_plain(name, arguments);
  }
  refuse_here("what NumPy writes", "a call with other arguments");
}

value_ref pickle_machine::call_plain(global_name name, parts_view arguments) {
  const value* const first = arguments.empty() ? nullptr : &pool_[arguments[0]];
  const auto one_of = [&](value_kind kind) { return arguments.size() == 1 && first->kind == kind; };
  switch (name) {
    case global_name::bytes:
    case global_name::bytearray:
      if (!first) {
        return add({.kind = value_kind::bytes, .range = {from_.position(), 0}});
      }
      if (one_of(value_kind::bytes)) return arguments[0];
      // Protocol 2 has a bytearray as text, and says in which encoding.
      if (arguments.size() == 2 && first->kind == value_kind::text) return encode(arguments);
      break;
    case global_name::complex:
      if (arguments.size() == 2) {
        return add(
            {.kind = value_kind::complex, .parts = stack(arguments.begin(), arguments.end())});
      }
      break;
    case global_name::list:
      if (!first) return add(value_kind::list);
      break;
    case global_name::dict:
      if (!first) return add(value_kind::dict);
      break;
    case global_name::set:
    case global_name::frozenset:
      if (!first) return add(value_kind::set);
      if (one_of(value_kind::list)) {
        return add({.kind = value_kind::set, .parts = stack(first->parts)});
      }
      break;
    default:
      refuse_name("a call of what is no function");
  }
  refuse_here("arguments of plain data", "others");
}

// Bytes, of which the protocols before 3 know nothing, as text of 8 bits.
value_ref pickle_machine::encode(parts_view arguments) {
  if (arguments.size() != 2) refuse_here("a text and latin1", "other arguments");
  const std::string encoding = text_of(from_, pool_[arguments[1]], longest_name);
  const value& text = pool_[arguments[0]];
  const bool is_latin1 = encoding == "latin1" || encoding == "latin-1";
  if (text.kind != value_kind::text || !is_latin1) {
    refuse_here("a text and latin1",
                fmt::format("{} and {}", name_of(text.kind), quoted(encoding)));
  }
  const bool is_utf8 = text.coding == coding::plain;
  return add({.kind = value_kind::bytes,
              .coding = is_utf8 ? coding::latin1_in_utf8 : coding::latin1_in_raw_escape,
              .range = text.range});
}

// (buffer, dtype, shape, order)
value_ref pickle_machine::from_buffer(parts_view arguments) {
  if (arguments.size() != 4) refuse_here("a buffer, dtype, shape and order", "other arguments");
  const std::string order = text_of(from_, pool_[arguments[3]], longest_name);
  if (order != "C" && order != "F") refuse_here("order C or F", quoted(order));
  value made{.kind = value_kind::array, .is_fortran = order == "F"};
  made.parts = {arguments[2], arguments[1], arguments[0]};
  return add(std::move(made));
}

void pickle_machine::build() {
  const value_ref state = pop(), to = top();
  switch (pool_[to].kind) {
    case value_kind::array:
      return build_array(to, state);
    case value_kind::dtype:
      if (pool_[to].parts.size() > 1) refuse_here("a dtype without a state", "one that has it");
      pool_.grow(2);
      pool_[to].parts.push_back(state);
      dtypes_.forget();
      return;
    case value_kind::joblib_array:
      return read_joblib_array(to, state);
    default:
      refuse_name("a state of " + std::string(name_of(pool_[to].kind)));
  }
}

// (1, shape, dtype, is_fortran, data); the version was not always there.
void pickle_machine::build_array(value_ref array, value_ref state) {
  if (!pool_[array].parts.empty()) refuse_here("an array without a state", "one that has it");
  const value& given = pool_[state];
  const std::size_t n = given.parts.size();
  if (given.kind != value_kind::tuple || (n != 5 && n != 4)) {
    refuse_here("the state of an array", name_of(given.kind));
  }
  const auto part = [&](std::size_t i) { return given.parts[n - 4 + i]; };
  const value& is_fortran = pool_[part(2)];
  if (is_fortran.kind != value_kind::boolean && is_fortran.kind != value_kind::integer) {
    refuse_here("True or False for Fortran order", name_of(is_fortran.kind));
  }
  pool_[array].is_fortran = is_fortran.integer != 0;
  pool_[array].parts = {part(0), part(1), part(3)};
}

// Python objects come behind the opcode as a pickle of their own.
void pickle_machine::read_joblib_objects(value_ref array) {
  const value_ref root = pickle_machine(from_, pool_, dtypes_, joblib_arrays::refuse).run();
  if (pool_[root].kind != value_kind::array) {
    refuse_here("a pickled array", name_of(pool_[root].kind));
  }
  pool_[array] = pool_[root];
}

// The bytes come behind the opcode, since joblib 1.1 with some in front that align them: how many,
// in one byte, and then these.
void pickle_machine::read_joblib_array(value_ref array, value_ref state) {
  value& to = pool_[array];
  const joblib_state found = read_joblib_state(dtypes_, state, opcode_offset_);
  if (found.has_object) return read_joblib_objects(array);
  if (found.is_aligned) from_.skip(from_.byte());
  const byte_range range = from_.skip(found.size_bytes);
  to.kind = value_kind::array;
  to.is_fortran = found.is_fortran;
  const stack parts = {found.shape, found.dtype, add({.kind = value_kind::bytes, .range = range})};
  pool_[array].parts = parts;
}

}  // namespace npymap::pickle
