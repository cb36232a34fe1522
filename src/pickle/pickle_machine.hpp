/// \file
/// The stack machine that Python's pickles are programs of (pickletools.py), of which only that
/// part runs that makes data.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pickle/pickle_array.hpp"
#include "pickle/pickle_bytes.hpp"
#include "pickle/pickle_value.hpp"

namespace npymap::pickle {

/// Whether what joblib puts between opcodes is read. It is no part of the pickles that these are
/// themselves.
enum class joblib_arrays : bool { refuse, read };

/// Runs a pickle once, from where its bytes are to STOP. Errors name no file.
class pickle_machine {
 public:
  /// All outlive it.
  pickle_machine(pickle_bytes& from, value_pool& pool, dtype_store& dtypes,
                 joblib_arrays joblib = joblib_arrays::read);

  /// The root object. \throws error bad_pickle, refused_object, truncated, out_of_range
  value_ref run();

 private:
  using stack = std::vector<value_ref>;
  using parts_view = std::span<const value_ref>;  // of a tuple: they stay while the pool grows

  bool step(std::uint8_t opcode);
  bool step_number(std::uint8_t opcode);
  bool step_text(std::uint8_t opcode);
  bool step_container(std::uint8_t opcode);
  bool step_memo(std::uint8_t opcode);
  bool step_object(std::uint8_t opcode);

  value_ref add(value made);
  value_ref add(value_kind kind) { return add({.kind = kind}); }

  // The stack, of which what is below the last mark is out of reach.
  void push(value_ref made);
  void push(value made) { push(add(std::move(made))); }
  value_ref pop();
  value_ref& top();
  stack pop_to_mark();
  std::string pop_name();

  void push_line_number(bool is_long);
  void push_line_float();
  void push_long(std::uint64_t bytes);
  void push_range(value_kind kind, std::uint64_t bytes, coding written_as = coding::plain);
  void push_quoted();
  void push_tuple(stack parts);
  void extend(const stack& items, value_kind container);
  void put(std::uint64_t at);
  void get(std::uint64_t at);

  // What stands for a call.
  void push_global(std::string_view module, std::string_view name);
  void reduce();
  void make_instance(value_ref type, parts_view arguments);
  value_ref call(value_ref callable, parts_view arguments);
  value_ref call_plain(global_name name, parts_view arguments);
  value_ref encode(parts_view arguments);
  value_ref from_buffer(parts_view arguments);
  void build();
  void build_array(value_ref array, value_ref state);
  void read_joblib_array(value_ref array, value_ref state);
  void read_joblib_objects(value_ref array);

  bool is_global(value_ref at, global_name name) const;
  [[noreturn]] void refuse_here(std::string expected, std::string found) const;
  [[noreturn]] void refuse_name(std::string_view what) const;

  pickle_bytes& from_;
  value_pool& pool_;
  dtype_store& dtypes_;
  const joblib_arrays joblib_;
  std::uint64_t opcode_offset_ = 0;
  stack stack_;
  std::vector<std::size_t> marks_;  // how high the stack was
  std::unordered_map<std::uint64_t, value_ref> memo_;
  value_ref none_, true_, false_;
};

}  // namespace npymap::pickle
