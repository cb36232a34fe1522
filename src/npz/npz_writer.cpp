#include <npymap/npz_writer.hpp>

#include <npymap/error.hpp>

#include "npz/npz_output.hpp"

namespace npymap {

npz_writer::npz_writer(const std::string& path, const npz_writer_options& options)
    : output_(detail::shared<detail::npz_output>::adopt(new detail::npz_output(path, options))) {}
npz_writer::npz_writer(npz_writer&&) noexcept = default;
npz_writer& npz_writer::operator=(npz_writer&&) noexcept = default;
npz_writer::~npz_writer() = default;

detail::npz_output& npz_writer::output() const {
  if (!output_) {
    throw error(errc::closed,
                {.subject = "archive", .expected = "a writer", .found = "one that was moved from"});
  }
  return *output_;
}

const std::string& npz_writer::path() const { return output().path(); }

void npz_writer::add(std::string_view name, const dtype& type, const void* data,
                     const detail::layout_ref& where, const npz_member_options& options,
                     const file_map& map) {
  output().add(name, type, data, where, options, map);
}
void npz_writer::begin(std::string_view name, const dtype& type, const shape& row,
                       const npz_member_options& options) {
  output().begin(name, type, row, options);
}
void npz_writer::append(const dtype& type, const void* data, const detail::layout_ref& where,
                        const file_map& map) {
  output().append(type, data, where, map);
}
void npz_writer::add_bytes(std::string_view file_name, std::span<const std::byte> bytes,
                           const npz_member_options& options) {
  output().add_bytes(file_name, bytes, options);
}
void npz_writer::abandon_member() noexcept {
  if (output_) output_->abandon_member();
}
void npz_writer::remove(std::string_view name) { output().remove(name); }
void npz_writer::commit() { output().commit(); }

}  // namespace npymap
