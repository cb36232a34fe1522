#include "stream/file_elements.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/header.hpp>

#include "array/npy_file.hpp"
#include "io/aligned_buffer.hpp"
#include "io/direct_file.hpp"
#include "io/file.hpp"
#include "io/read_large.hpp"

namespace npymap::detail {
namespace {

/// One file of a sequence: where its elements begin, and how to read them.
class element_file {
 public:
  element_file(const std::string& path, const read_options& options)
      : file_(io::file::open(path, open_mode::read)),
        found_(find_elements(file_, {.header_limit = options.header_limit})) {
    file_.watch(options.check);
    if (options.reading == reading::direct) direct_.emplace(std::move(file_));
  }

  const header& facts() const noexcept { return found_.facts; }

  /// `n` bytes of elements, from byte `offset` of them; returns where they are in the slot.
  const std::byte* read(std::span<std::byte> slot, std::uint64_t offset, std::size_t n) const {
    const std::uint64_t at = found_.offset_bytes + offset;
    const io::file& opened = direct_ ? direct_->opened() : file_;
    opened.require_unchanged(at + n);
    const io::direct_file::result got =
        direct_ ? direct_->read(slot, at, n)
                : io::direct_file::result{slot.data(), io::read_large(file_, slot.first(n), at)};
    if (got.read_bytes != n) refuse_end(at, n, got.read_bytes);
    opened.require_unchanged(at + n);
    // Where the elements do not begin at a multiple of their size, a disk's block is askew.
    if (!is_aligned_for_any(got.first)) {
      std::memmove(slot.data(), got.first, n);
      return slot.data();
    }
    return got.first;
  }

 private:
  bool is_aligned_for_any(const std::byte* first) const {
    const auto itemsize = static_cast<std::uintptr_t>(found_.facts.dtype.itemsize());
    const std::uintptr_t alignment = std::min<std::uintptr_t>(itemsize & -itemsize, 16);
    return alignment == 0 || reinterpret_cast<std::uintptr_t>(first) % alignment == 0;
  }

  [[noreturn]] void refuse_end(std::uint64_t at, std::size_t wanted, std::size_t found) const {
    throw error(errc::truncated, {.path = direct_ ? direct_->opened().path() : file_.path(),
                                  .subject = "array data",
                                  .expected = fmt::format("{} bytes", wanted),
                                  .found = fmt::format("{}", found),
                                  .byte_offset = at});
  }

  io::file file_;
  npy_elements found_;
  std::optional<io::direct_file> direct_;
};

std::string text_of(const header& facts) {
  return fmt::format("{} in {} order", to_string(facts.shape),
                     facts.order == order::c ? "C" : "Fortran");
}

void require_kin(const std::string& path, const header& expected, const header& found,
                 joining how) {
  if (found.dtype != expected.dtype) {
    throw error(errc::dtype_mismatch, {.path = path,
                                       .subject = "dtype",
                                       .expected = descr(expected.dtype) + " as in the first file",
                                       .found = descr(found.dtype)});
  }
  // A file of one row may say either order, whatever the others say: NumPy says C.
  const index_t itemsize = found.dtype.itemsize();
  const strides steps = dense_byte_strides(found.shape, itemsize, found.order);
  const layout_ref where{found.shape, steps, itemsize};
  const bool same_order =
      expected.order == order::c ? is_c_contiguous(where) : is_f_contiguous(where);
  if (found.shape == expected.shape && same_order) return;
  const char* const but = how == joining::concatenate ? " (only the last may have fewer rows)" : "";
  throw error(errc::layout_mismatch, {.path = path,
                                      .subject = "shape",
                                      .expected = text_of(expected) + " as in the first file" + but,
                                      .found = text_of(found)});
}

/// Of one file among others.
npymap::shape joined_shape(const header& facts, joining how) {
  if (how == joining::concatenate) return facts.shape;
  npymap::shape joined{1};
  for (const index_t extent : facts.shape) joined.push_back(extent);
  return joined;
}

// Files in Fortran order are stacked one behind the other all the same.
strides joined_strides(const header& facts, const npymap::shape& whole, joining how) {
  const index_t itemsize = facts.dtype.itemsize();
  if (how == joining::concatenate) return dense_byte_strides(whole, itemsize, facts.order);
  strides joined{*array_bytes(facts.shape, itemsize)};
  for (const index_t step : dense_byte_strides(facts.shape, itemsize, facts.order)) {
    joined.push_back(step);
  }
  return joined;
}

using element_file_ptr = std::shared_ptr<const element_file>;

class elements_of_files final : public element_source {
 public:
  elements_of_files(std::vector<std::string> paths, const read_options& options, joining how,
                    element_file_ptr first, const npymap::shape& whole)
      : element_source(
            paths.size() == 1 ? paths[0] : paths[0] + " and those behind it", first->facts().dtype,
            {whole, joined_strides(first->facts(), whole, how), first->facts().dtype.itemsize()}),
        paths_(std::move(paths)),
        options_(options),
        how_(how),
        each_(first->facts()),
        rows_(whole.empty() ? 1 : joined_shape(each_, how)[0]),
        open_{{0, std::move(first)}} {}

  std::size_t slot_bytes(index_t box_bytes) const noexcept override {
    return io::direct_file::slot_bytes(static_cast<std::size_t>(box_bytes));
  }

  // Whichever part of its file the array is.
  bool may_overlap(const any_array& y) const override {
    if (!y.is_mapped() || y.mode() == open_mode::copy_on_write || y.size_bytes() == 0) return false;
    return std::any_of(paths_.begin(), paths_.end(), [&](const std::string& path) {
      return io::file::open(path, open_mode::read).is_same(io::file_of(y.map()));
    });
  }

  const std::byte* fetch(const block_box& box, std::span<std::byte> slot) const override {
    const index_t itemsize = type().itemsize();
    if (shape().empty() || paths_.size() == 1) return fetch_from(0, box, slot);
    const index_t rows = rows_, end = box.start[0] + box.extents[0];
    if ((end - 1) / rows == box.start[0] / rows) {
      const index_t n = box.start[0] / rows;
      block_box inside = box;
      inside.start[0] -= n * rows;
      return fetch_from(n, inside, slot);
    }
    const strides steps = packed(box.extents, itemsize);
    io::aligned_buffer part;
    for (index_t at = box.start[0]; at < end;) {
      const index_t n = at / rows;
      block_box inside = box;
      inside.start[0] = at - n * rows;
      inside.extents[0] = std::min(end, (n + 1) * rows) - at;
      const std::size_t bytes = slot_bytes(*array_bytes(inside.extents, itemsize));
      if (part.size_bytes() < bytes) part = io::aligned_buffer(bytes);
      const std::byte* const got = fetch_from(n, inside, part.bytes());
      const strides packed_part = packed(inside.extents, itemsize);
      copy_elements(got, {inside.extents, packed_part, itemsize},
                    slot.data() + (at - box.start[0]) * steps[0],
                    {inside.extents, steps, itemsize});
      at += inside.extents[0];
    }
    return slot.data();
  }

 private:
  // A box of one file, which lies there in runs.
  const std::byte* fetch_from(index_t n, const block_box& box, std::span<std::byte> slot) const {
    const element_file_ptr file = file_at(n);
    const npymap::shape whole = joined_shape(file->facts(), how_);
    const strides steps = joined_strides(file->facts(), whole, how_);
    index_t run_bytes = type().itemsize();
    int cut = outward().rank() - 1;  // the innermost axis that is not whole
    for (; cut >= 0; --cut) {
      const int axis = static_cast<int>(outward()[cut]);
      run_bytes *= box.extents[axis];
      if (box.extents[axis] != whole[axis]) break;
    }
    const index_t offset = byte_offset(box.start, steps);
    index_t runs = 1;
    for (int i = 0; i < cut; ++i) runs *= box.extents[static_cast<int>(outward()[i])];
    const auto size = static_cast<std::size_t>(run_bytes);
    if (runs == 1) return file->read(slot, static_cast<std::uint64_t>(offset), size);

    io::aligned_buffer one(slot_bytes(run_bytes));
    for (index_t run = 0; run < runs; ++run) {
      index_t place = offset, rest = run;
      for (int i = cut - 1; i >= 0; --i) {
        const int axis = static_cast<int>(outward()[i]);
        place += rest % box.extents[axis] * steps[axis];
        rest /= box.extents[axis];
      }
      const std::byte* const got = file->read(one.bytes(), static_cast<std::uint64_t>(place), size);
      std::memcpy(slot.data() + run * run_bytes, got, size);
    }
    return slot.data();
  }

  element_file_ptr file_at(index_t n) const {
    constexpr std::size_t most_open = 16;
    const std::lock_guard lock(opening_);
    const auto known =
        std::find_if(open_.begin(), open_.end(), [n](const auto& held) { return held.first == n; });
    if (known != open_.end()) return known->second;
    const std::string& path = paths_[static_cast<std::size_t>(n)];
    auto fresh = std::make_shared<const element_file>(path, options_);
    header expected = each_;
    if (how_ == joining::concatenate) {
      expected.shape[0] = std::min(rows_, shape()[0] - n * rows_);
    }
    require_kin(path, expected, fresh->facts(), how_);
    if (open_.size() == most_open) open_.erase(open_.begin());
    open_.emplace_back(n, fresh);
    return fresh;
  }

  const std::vector<std::string> paths_;
  const read_options options_;
  const joining how_;
  const header each_;  // but the last, which may have fewer rows
  const index_t rows_;
  mutable std::mutex opening_;
  mutable std::vector<std::pair<index_t, element_file_ptr>> open_;
};

}  // namespace

shared<element_source> file_elements(std::vector<std::string> paths, const read_options& options,
                                     joining how) {
  if (paths.empty()) {
    throw error(errc::invalid_argument,
                {.subject = "files to read as one", .expected = "at least one", .found = "none"});
  }
  auto first = std::make_shared<const element_file>(paths.front(), options);
  npymap::shape whole = joined_shape(first->facts(), how);
  if (paths.size() > 1) {
    const std::string& last_path = paths.back();
    const header last = element_file(last_path, options).facts();
    header expected = first->facts();
    if (whole.empty()) {
      throw error(errc::layout_mismatch, {.path = paths.front(),
                                          .subject = "shape of the first file of many",
                                          .expected = "rows",
                                          .found = "a single element (stack takes it)"});
    }
    if (how == joining::concatenate && !last.shape.empty()) {
      expected.shape[0] = std::min(whole[0], last.shape[0]);
    }
    require_kin(last_path, expected, last, how);
    const index_t before = static_cast<index_t>(paths.size()) - 1;
    const index_t most = std::numeric_limits<index_t>::max() / std::max<index_t>(whole[0], 1);
    whole[0] = before < most ? whole[0] * before + joined_shape(last, how)[0] : -1;
    if (!array_bytes(whole, first->facts().dtype.itemsize())) {
      throw error(
          errc::size_overflow,
          {.path = last_path, .subject = "bytes of all files", .expected = "less than 2^63"});
    }
  }
  return shared<element_source>::adopt(
      new elements_of_files(std::move(paths), options, how, std::move(first), whole));
}

}  // namespace npymap::detail
