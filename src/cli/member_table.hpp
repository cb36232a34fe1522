/// \file
/// The members of an archive, as the tool tells of them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <npymap/error.hpp>
#include <npymap/header.hpp>
#include <npymap/npz.hpp>

namespace npymap::cli {

/// A member as far as its headers tell.
struct member_facts {
  npz_member member;
  std::optional<header> facts;                     ///< of an array
  std::optional<std::uint64_t> data_offset_bytes;  ///< in the archive, of a stored array
  std::optional<error> refusal;                    ///< why there are none, if there should be some
};

/// Read the headers of members; no error but `member_facts::refusal` is about one of them alone.
std::vector<member_facts> facts_of(const npz_reader& archive, std::span<const npz_member> members);

/// One JSON object, in the order of the archive, with a line feed behind it.
std::string json_of(const std::string& path, std::span<const member_facts> members);

/// A line for each member, for people.
std::string table_of(std::span<const member_facts> members);

/// How a member is packed: `stored`, `deflated`, or the number that PKWARE gave it.
std::string name_of(npz_method method);

}  // namespace npymap::cli
