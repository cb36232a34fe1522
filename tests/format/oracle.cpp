#include "format/oracle.hpp"

#include <sstream>

#include <fmt/format.h>

#include "support/catch.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

namespace npymap_test {

using namespace npymap;

std::string ask_numpy(const std::vector<std::string>& arguments, std::string_view input) {
  return python(read_file(NPYMAP_FORMAT_TESTS "/oracle.py"), arguments, input);
}

std::string to_hex(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += digits[static_cast<unsigned char>(c) >> 4];
    hex += digits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// `canonical` in oracle.py.
std::string canonical(const dtype& type) {
  if (!type.is_record()) {
    const std::string quoted_type = descr(type);
    return quoted_type.substr(1, quoted_type.size() - 2);
  }
  std::string text = "{";
  for (const field& f : type.fields()) {
    if (text.size() > 1) text += ';';
    text += fmt::format("{}:{}:{}:{}:{}", to_hex(f.name), f.title ? to_hex(*f.title) : "-",
                        f.offset_bytes, canonical(f.type), fmt::join(f.subshape, ","));
  }
  return text + "}" + std::to_string(type.itemsize());
}

// What both sides say of a header that they take: dtype, order, shape, offset of the elements.
std::string summary(const header& h) {
  return fmt::format("{}\t{}\t{}\t{}", canonical(h.dtype), static_cast<char>(h.order),
                     fmt::join(h.shape, ","), h.data_offset_bytes);
}

std::vector<judgement> judge(const std::vector<std::string>& headers) {
  std::string input;
  for (const std::string& bytes : headers) input += to_hex(bytes) + "\n";
  std::vector<judgement> judgements;
  std::istringstream lines(ask_numpy({"judge"}, input));
  for (std::string line; std::getline(lines, line);) {
    const auto parts = split(line, '\t');
    REQUIRE(parts.size() == 6);
    judgements.push_back({parts[0], parts[1] + "\t" + parts[2] + "\t" + parts[3] + "\t" + parts[4],
                          parts[5].empty() ? std::vector<std::string>() : split(parts[5], ',')});
  }
  REQUIRE(judgements.size() == headers.size());
  return judgements;
}

}  // namespace npymap_test
