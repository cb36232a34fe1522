#include <npymap/source.hpp>

#include <cstdint>
#include <utility>

#include <npymap/error.hpp>

#include "io/file.hpp"
#include "io/memory_limit.hpp"
#include "stream/element_source.hpp"
#include "stream/file_elements.hpp"

namespace npymap {
namespace {

// Null where the file system says that a map is no good idea.
detail::shared<detail::element_source> mapped_elements(const std::string& path,
                                                       const read_options& options) try {
  const bool must = options.reading == reading::mapped;
  if (!must && io::sys::is_remote(io::file::open(path, open_mode::read).native_handle()) == 1) {
    return nullptr;
  }
  const any_array x =
      open(path, open_mode::read, {.header_limit = options.header_limit, .check = options.check});
  return detail::array_elements(x, x.dtype(), x.data(), x.layout());
} catch (const error& e) {
  if (!io::is_refused_map(e) || options.reading == reading::mapped) throw;
  return nullptr;
}

bool is_larger_than_memory(const source& x) {
  return static_cast<std::uint64_t>(x.size_bytes()) > io::memory_limit_bytes();
}

read_options directly(read_options options) {
  options.reading = reading::direct;
  return options;
}

source joined(const std::vector<std::string>& paths, const read_options& options,
              detail::joining how) {
  source whole = detail::source_access::over(detail::file_elements(paths, options, how));
  if (options.reading != reading::once || !is_larger_than_memory(whole)) return whole;
  return detail::source_access::over(detail::file_elements(paths, directly(options), how));
}

}  // namespace

source::source(detail::shared<detail::element_source> elements) : elements_(std::move(elements)) {}

source::source(const any_array& x) : source(x, x.dtype(), x.data(), x.layout()) {}

source::source(const detail::array_storage& storage, const npymap::dtype& type,
               const std::byte* data, const detail::layout_ref& where)
    : elements_(detail::array_elements(storage, type, data, where)) {}

source::source(const std::string& path, const read_options& options) {
  const bool may_map = options.reading != reading::buffered && options.reading != reading::direct;
  if (may_map) elements_ = mapped_elements(path, options);
  if (!elements_) elements_ = detail::file_elements({path}, options);
  if (options.reading == reading::once && is_larger_than_memory(*this)) {
    elements_ = detail::file_elements({path}, directly(options));
  }
}

const dtype& source::dtype() const noexcept { return elements_->type(); }
const shape& source::shape() const noexcept { return elements_->shape(); }
index_t source::size() const noexcept { return element_count(shape()).value_or(0); }

source concatenate(const std::vector<std::string>& paths, const read_options& options) {
  return joined(paths, options, detail::joining::concatenate);
}

source stack(const std::vector<std::string>& paths, const read_options& options) {
  return joined(paths, options, detail::joining::stack);
}

}  // namespace npymap
