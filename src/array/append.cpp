#include <npymap/append.hpp>

#include <npymap/error.hpp>

#include "array/growing_file.hpp"
#include "array/row_writer.hpp"

namespace npymap {

appender::appender(const std::string& path, const append_options& options)
    : writer_(detail::shared<detail::row_writer>::adopt(new detail::row_writer(
          detail::growing_file(path, options.header_limit, options.order, options.locking),
          options))) {}
appender::appender(appender&&) noexcept = default;
appender& appender::operator=(appender&&) noexcept = default;
appender::~appender() = default;

detail::row_writer& appender::writer() const {
  if (!writer_) {
    throw error(
        errc::closed,
        {.subject = "append", .expected = "an appender", .found = "one that was moved from"});
  }
  return *writer_;
}

void appender::append(const npymap::dtype& type, const void* data, const detail::layout_ref& where,
                      const file_map& map) {
  writer().append(type, data, where, map);
}

const dtype& appender::dtype() const { return writer().type(); }
const shape& appender::shape() const { return writer().extents(); }
index_t appender::rows() const { return writer().rows(); }
int appender::axis() const { return writer().axis(); }
void appender::flush() { writer().flush(); }
void appender::close() {
  if (writer_) writer().close();
}
void appender::discard() noexcept {
  if (writer_) writer_->discard();
}

}  // namespace npymap
