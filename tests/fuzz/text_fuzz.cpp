// Any bytes are an array or an npymap::error, the same whether they are read in one part or in
// many, into memory or into a file.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include <npymap/npymap.hpp>

#include "fuzz/scratch_file.hpp"

namespace {

using namespace npymap;

void require(bool holds) {
  if (!holds) std::abort();
}

/// The first two bytes choose, as letters so that a corpus can be written by hand.
load_text_options options_of(std::uint8_t how, std::uint8_t type) {
  static constexpr const char* descrs[] = {
      "'<f8'",  "'<f4'",   "'>i2'", "'|u1'",    "'<i8'", "'<c16'",
      "'|b1'",  "'<U0'",   "'|S4'", "'<M8[s]'", "'<f2'", "[('a', '<f8'), ('b', '<U3')]",
      "'<f16'", "'<m8[D]'"};
  load_text_options options;
  options.dtype = parse_descr(descrs[type % std::size(descrs)]);
  if ((how & 1) != 0) options.delimiter = ",";
  if ((how & 2) != 0) options.quote = "\"";
  if ((how & 4) != 0) options.comments = {"%", "//"};
  if ((how & 8) != 0) options.missing = missing_fields{.words = {"NA", "-9"}, .fillings = {}};
  if ((how & 16) != 0) options.use_columns = {{-1, 0}};
  if ((how & 32) != 0) options.encoding = text_encoding::latin1;
  options.pass.threads = 1;
  return options;
}

template <class F>
std::string message_of(F&& f) {
  try {
    f();
    return {};
  } catch (const error& e) {
    std::string message = e.what();
    require(message.size() < 2000 && !e.path().empty());
    return message;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const npymap_test::scratch_file file("text_fuzz"), made("text_fuzz_made");
  if (size < 2) return 0;
  const load_text_options options = options_of(data[0], data[1]);
  file.write(data + 2, size - 2);
  std::optional<any_array> x;
  const std::string message = message_of([&] { x = load_text(file.path(), options); });
  load_text_options parted = options;
  parted.pass.budget_bytes = 1;
  parted.pass.threads = (data[0] & 64) != 0 ? 2 : 1;
  std::filesystem::remove(made.path());
  const std::string parted_message =
      message_of([&] { text_to_npy(file.path(), made.path(), parted); });
  // Whether a line or the checksum of a gzip file is found wrong first depends on the parts.
  const bool is_gzip = size >= 4 && data[2] == 0x1f && data[3] == 0x8b;
  require(is_gzip ? parted_message.empty() == message.empty() : parted_message == message);
  require(std::filesystem::exists(made.path()) == x.has_value());
  if (!x) return 0;
  const any_array y = load(made.path());
  require(y.dtype() == x->dtype() && y.shape() == x->shape());
  const auto n = static_cast<std::size_t>(x->size_bytes());
  require(n == 0 || std::memcmp(x->data(), y.data(), n) == 0);
  return 0;
}
