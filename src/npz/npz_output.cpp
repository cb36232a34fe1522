#include "npz/npz_output.hpp"

#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/guard.hpp>

#include "array/block_of_rows.hpp"
#include "array/dense_bytes.hpp"
#include "format/header_room.hpp"
#include "npz/zip_directory.hpp"
#include "stream/threads.hpp"

namespace npymap::detail {
namespace {

std::optional<npz_archive> open_older(const std::string& path, older_members which) {
  if (which == older_members::drop) return std::nullopt;
  try {
    return std::optional<npz_archive>(std::in_place, path, npz_options());
  } catch (const error& e) {
    if (e.code() == std::errc::no_such_file_or_directory) return std::nullopt;
    throw;
  }
}

void require_level(std::optional<int> level, const std::string& path) {
  if (!level || (*level >= deflate::fastest_level && *level <= deflate::best_level)) return;
  throw error(errc::invalid_argument,
              {.path = path,
               .subject = "level of compression",
               .expected = fmt::format("{} to {}", deflate::fastest_level, deflate::best_level),
               .found = std::to_string(*level)});
}

// Bytes in Fortran order are those of the axes turned round in C order.
layout turned(const layout_ref& where) {
  layout to;
  for (int i = where.rank(); i-- > 0;) {
    to.shape.push_back(where.shape[static_cast<std::size_t>(i)]);
    to.byte_strides.push_back(where.byte_strides[static_cast<std::size_t>(i)]);
  }
  return to;
}
layout in_file_order(const layout_ref& where, order how) {
  if (how == order::fortran) return turned(where);
  return {shape(where.shape), strides(where.byte_strides)};
}

std::string file_name_of(std::string_view name) { return std::string(name) + ".npy"; }

}  // namespace

npz_output::npz_output(const std::string& path, const npz_writer_options& options)
    : path_(path),
      options_(options),
      threads_(checked_threads(options.threads)),
      older_(open_older(path, options.older_members)),
      fresh_(path, io::existing::replace),
      zip_(fresh_.contents()) {
  if (!older_) return;
  for (const npz_member& member : older_->members()) kept_.insert(member.file_name);
}

void npz_output::require_usable() const {
  if (!closed_ && !failed_) return;
  throw error(errc::closed, {.path = path_,
                             .member = failed_ ? file_name_ : std::string(),
                             .subject = "archive",
                             .expected = "one that is being written",
                             .found = failed_ ? "one whose member could not be written"
                                              : "one that was committed"});
}

// Half a member cannot be taken back: what fails in the middle of one fails the archive.
template <class F>
void npz_output::in_member(const std::string& file_name, const F& f) {
  require_usable();
  try {
    f();
  } catch (const error& e) {
    failed_ = true;
    throw e.in_file(path_, 0, file_name);
  } catch (...) {
    failed_ = true;
    throw;
  }
}

// By NumPy's rule the key `x` means the file `x`, and `x.npy` only where there is no such file.
void npz_output::require_reachable(const std::string& file_name) const {
  const bool is_array = file_name.ends_with(".npy");
  const std::string other =
      is_array ? file_name.substr(0, file_name.size() - 4) : file_name_of(file_name);
  if (!kept_.contains(other) && !added_.contains(other)) return;
  throw error(errc::invalid_argument, {.path = path_,
                                       .member = file_name,
                                       .subject = "name of a member",
                                       .expected = "one whose key is not another's",
                                       .found = "a file " + quoted(other) + " beside it"});
}

void npz_output::start(const std::string& file_name, std::string head,
                       const npz_member_options& options) {
  require_usable();
  require_level(options.level, path_);
  zip::require_name(file_name, path_);
  if (added_.contains(file_name)) {
    throw error(errc::invalid_argument, {.path = path_,
                                         .member = file_name,
                                         .subject = "name of a member",
                                         .expected = "one that has not been added before"});
  }
  require_reachable(file_name);
  end_member();
  in_member(file_name, [&] {
    file_name_ = file_name;
    member_.emplace(zip_, file_name, std::move(head), options.level, threads_);
  });
  added_.insert(file_name);
  kept_.erase(file_name);
}

void npz_output::add(std::string_view name, const dtype& type, const void* data,
                     const layout_ref& where, const npz_member_options& options,
                     const file_map& map) {
  const order lies = is_f_contiguous(where) && !is_c_contiguous(where) ? order::fortran : order::c;
  const std::string head = header_bytes(type, where.shape, lies);
  start(file_name_of(name), head, options);
  in_member(file_name_, [&] {
    const layout as_written = in_file_order(where, lies);
    guarded(map, [&] {
      for_dense_bytes(type, static_cast<const std::byte*>(data),
                      {as_written.shape, as_written.byte_strides, where.itemsize}, type,
                      [&](std::span<const std::byte> bytes) { member_->write(bytes); });
    });
    member_->finish(head);
    member_.reset();
  });
}

void npz_output::begin(std::string_view name, const dtype& type, const shape& row,
                       const npz_member_options& options) {
  shape none;
  if (options.order == order::c) none.push_back(0);
  for (const index_t extent : row) none.push_back(extent);
  if (options.order == order::fortran) none.push_back(0);
  const std::string head = header_bytes(type, none, options.order);
  growing next{.facts = parse_header(std::as_bytes(std::span(head)), head.size()),
               .axis = options.order == order::c ? 0 : none.rank() - 1,
               .head_bytes = head.size()};
  next.facts.order = options.order;  // of no rows, NumPy says C
  start(file_name_of(name), head, options);
  growing_ = std::move(next);
}

void npz_output::append(const dtype& type, const void* data, const layout_ref& where,
                        const file_map& map) {
  require_usable();
  if (!growing_) {
    throw error(errc::invalid_argument, {.path = path_,
                                         .subject = "rows to append",
                                         .expected = "a member that `begin` has begun"});
  }
  header& facts = growing_->facts;
  try {
    require_appendable(type, facts.dtype);
  } catch (const error& e) {
    throw e.in_file(path_, 0, file_name_);
  }
  const layout block = block_of_rows(where, facts.shape, growing_->axis, path_);
  shape after = facts.shape;
  if (__builtin_add_overflow(after[growing_->axis], block.shape[growing_->axis],
                             &after[growing_->axis]) ||
      !array_bytes(after, facts.dtype.itemsize())) {
    throw error(errc::size_overflow, {.path = path_,
                                      .member = file_name_,
                                      .subject = "rows to append",
                                      .expected = "fewer than 2**63 bytes in all"});
  }
  in_member(file_name_, [&] {
    const layout as_written =
        in_file_order({block.shape, block.byte_strides, where.itemsize}, facts.order);
    guarded(map, [&] {
      for_dense_bytes(type, static_cast<const std::byte*>(data),
                      {as_written.shape, as_written.byte_strides, where.itemsize}, facts.dtype,
                      [&](std::span<const std::byte> bytes) { member_->write(bytes); });
    });
    facts.shape = after;
  });
}

void npz_output::end_member() {
  if (!member_) return;
  in_member(file_name_, [&] {
    const header& facts = growing_->facts;
    member_->finish(header_bytes_of_length(facts.dtype, facts.shape, facts.order, facts.version,
                                           growing_->head_bytes)
                        .value());
    member_.reset();
    growing_.reset();
  });
}

void npz_output::add_bytes(std::string_view file_name, std::span<const std::byte> bytes,
                           const npz_member_options& options) {
  start(std::string(file_name), {}, options);
  in_member(file_name_, [&] {
    member_->write(bytes);
    member_->finish({});
    member_.reset();
  });
}

void npz_output::remove(std::string_view name) {
  require_usable();
  auto found = kept_.find(name);
  if (found == kept_.end()) found = kept_.find(file_name_of(name));
  if (found == kept_.end()) {
    throw error(errc::out_of_range, {.path = path_,
                                     .member = std::string(name),
                                     .subject = "member to remove",
                                     .expected = "one of the older archive"});
  }
  kept_.erase(found);
}

// Of members of one name all are kept, and the last still wins.
void npz_output::copy_kept() {
  if (!older_) return;
  for (const npz_member& member : older_->members()) {
    if (kept_.contains(member.file_name)) zip_.copy(older_->file(), older_->entry(member));
  }
}

void npz_output::commit() {
  require_usable();
  end_member();
  in_member({}, [&] {
    copy_kept();
    zip_.finish(older_ ? older_->comment() : std::string_view());
    std::move(fresh_).commit(options_.durability).close();
    closed_ = true;
  });
}

}  // namespace npymap::detail
