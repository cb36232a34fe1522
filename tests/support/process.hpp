/// \file
/// What the operating system knows of this process, and children that may die.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace npymap_test {

/// The open descriptors and what they lead to.
std::map<int, std::string> open_descriptors();

/// How many mappings this process has, and how many bytes of it are in memory.
int mapping_count();
std::uint64_t resident_bytes();

/// True if the page with this address is in the memory of this process.
bool is_resident(const void* address);

/// Run a function in a child; returns its result, 128 + signal if it was killed, 120 if it threw.
int in_child(const std::function<int()>& function);

/// The same, as a user whom permissions bind: nobody, when this process is root.
int as_nobody(const std::function<int()>& function);

}  // namespace npymap_test
