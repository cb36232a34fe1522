/// \file
/// What NumPy says of headers, by oracle.py.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <npymap/header.hpp>

namespace npymap_test {

/// Run oracle.py.
std::string ask_numpy(const std::vector<std::string>& arguments, std::string_view input = {});

struct judgement {
  std::string verdict;                   ///< "ok", "refused" or "crashed"
  std::string summary;                   ///< of what is ok
  std::vector<std::string> differences;  ///< that may apply, by their names in `known_differences`
};

/// What NumPy makes of each of these headers.
std::vector<judgement> judge(const std::vector<std::string>& headers);

/// The dtype as oracle.py tells it.
std::string canonical(const npymap::dtype& type);

/// What is compared with NumPy: dtype, order, shape, offset of the elements.
std::string summary(const npymap::header& h);

/// Who reads a header that not all read.
enum class reader { numpy, numpy1, all_but_numpy1, all_but_numpy2, npymap };

/// Where npymap differs from NumPy on purpose.
struct difference {
  std::string name;
  std::string header;  ///< one that shows it
  std::string reason;
  npymap_test::reader reader = reader::numpy;
};

const std::vector<difference>& known_differences();

std::string to_hex(std::string_view bytes);
std::string from_hex(std::string_view hex);
std::vector<std::string> split(std::string_view text, char separator);

}  // namespace npymap_test
