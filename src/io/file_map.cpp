#include <npymap/file_map.hpp>

#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/guard.hpp>

#include "io/fault_trap.hpp"
#include "io/file.hpp"
#include "io/map_seal.hpp"
#include "io/new_file.hpp"
#include "io/region.hpp"

namespace npymap {

open_mode parse_open_mode(std::string_view name) {
  if (name == "r") return open_mode::read;
  if (name == "r+") return open_mode::read_write;
  if (name == "w+") return open_mode::create;
  if (name == "c") return open_mode::copy_on_write;
  throw error(errc::invalid_argument, {.subject = "open mode",
                                       .expected = "one of 'r', 'r+', 'w+' and 'c'",
                                       .found = quoted(name)});
}

struct file_map::state final : detail::counted {
  io::file source;
  io::region pages;
  open_mode mode = open_mode::read;
  std::uint64_t offset_bytes = 0;
  std::size_t size_bytes = 0;

  // Plain facts, so that not even a lack of memory can make a lost write forgotten.
  struct failed_flush {
    std::error_code code;
    std::size_t offset;
    std::size_t n;
  };
  std::optional<failed_flush> lost;
  detail::shared<io::map_seal> seal;
  std::once_flag trap_made;
  std::unique_ptr<io::fault_trap> trap;
  std::mutex flushing;  // guards `lost`, and the syncing of `source`

  bool reaches_file() const noexcept {
    return mode == open_mode::read_write || mode == open_mode::create;
  }
  void start_flush(std::size_t offset, std::size_t n, flush_mode how);
  void finish_flush(std::size_t offset, std::size_t n, flush_mode how);
  void throw_if_lost() const;
  // Pages that the kernel could not fill: gone from the file, or unreadable.
  [[noreturn]] void refuse_unreadable(std::size_t offset, std::size_t n);
};

void file_map::state::start_flush(std::size_t offset, std::size_t n, flush_mode how) {
  if (pages.sync(offset, n, how) == -1) source.fail("flush");
}

void file_map::state::finish_flush(std::size_t offset, std::size_t n, flush_mode how) {
  if (how == flush_mode::sync) return source.sync();
  // MS_ASYNC checks its arguments and does no more: msync(2). This starts the writing.
  if (n != 0) source.start_writing(offset_bytes + offset, n);
}

// The kernel reports a failed write to whoever asks first, for all of the file at once: whatever
// was written through this map and not yet flushed may be lost, not just the range of that flush.
void file_map::state::throw_if_lost() const {
  if (!lost) return;
  const std::uint64_t first = offset_bytes + lost->offset;
  throw error(lost->code, {.path = source.path(),
                           .subject = fmt::format(
                               "flush of bytes {} to {} failed, in doubt is what was written to "
                               "bytes {} to {} since the last flush",
                               first, first + lost->n, offset_bytes, offset_bytes + size_bytes)});
}

void file_map::state::refuse_unreadable(std::size_t offset, std::size_t n) {
  const std::uint64_t size = source.size_bytes(), first = offset_bytes + offset;
  if (size < first + n) {
    throw error(errc::truncated, {.path = source.path(),
                                  .subject = "mapped range",
                                  .expected = fmt::format("{} bytes", n),
                                  .found = fmt::format("{}", size > first ? size - first : 0),
                                  .byte_offset = first});
  }
  // Which page it is, the kernel does not say: halve, until the first one that fails is left.
  for (std::size_t half; n > io::sys::page_bytes();) {
    half = n / 2;
    const bool is_behind = pages.advise(offset, half, advice::populate) == 0;
    offset += is_behind ? half : 0;
    n = is_behind ? n - half : half;
  }
  errno = EIO;
  source.fail("read", n, offset_bytes + offset);
}

file_map::file_map(detail::shared<state> owned) noexcept : state_(std::move(owned)) {}

file_map file_map::open(const std::string& path, open_mode mode) {
  io::file opened = io::file::open(path, mode);
  const std::uint64_t size = opened.size_bytes();
  return io::map_file(std::move(opened), mode, 0, size);
}

file_map file_map::open(const std::string& path, open_mode mode, std::uint64_t offset_bytes,
                        std::uint64_t length_bytes) {
  return io::map_file(io::file::open(path, mode), mode, offset_bytes, length_bytes);
}

file_map file_map::create(const std::string& path, std::uint64_t size_bytes, space blocks,
                          durability how_safe) {
  io::new_file fresh(path, io::existing::replace);
  if (blocks == space::reserved) {
    fresh.contents().reserve(0, size_bytes);
  } else {
    fresh.contents().set_size(size_bytes);
  }
  return io::map_file(std::move(fresh), how_safe, 0, size_bytes);
}

const std::byte* file_map::data() const noexcept {
  return size_bytes() == 0 ? nullptr : state_->pages.data();
}

std::byte* file_map::writable_data() const {
  const state& held = checked(0, 0);
  if (held.mode == open_mode::read) {
    throw error(errc::read_only,
                {.path = held.source.path(), .subject = "writing to a map of mode r"});
  }
  return held.size_bytes == 0 ? nullptr : held.pages.data();
}

std::size_t file_map::size_bytes() const noexcept { return state_ ? state_->size_bytes : 0; }

std::uint64_t file_map::offset_bytes() const noexcept { return state_ ? state_->offset_bytes : 0; }

open_mode file_map::mode() const noexcept { return state_ ? state_->mode : open_mode::read; }

const std::string& file_map::path() const noexcept {
  static const std::string none;
  return state_ ? state_->source.path() : none;
}

bool file_map::is_open() const noexcept { return static_cast<bool>(state_); }

std::int64_t file_map::owners() const noexcept { return state_.owners(); }

bool file_map::space_guaranteed() const {
  const state& held = checked(0, 0);
  return held.source.space_guaranteed(held.offset_bytes, held.size_bytes);
}

file_map::state& file_map::checked(std::size_t offset, std::size_t n) const {
  if (!state_) throw error(errc::closed, {.subject = "using a map after close"});
  if (offset > state_->size_bytes || n > state_->size_bytes - offset) {
    throw error(errc::out_of_range,
                {.path = path(),
                 .subject = "range of a map",
                 .expected = fmt::format("no more than its {} bytes", state_->size_bytes),
                 .found = fmt::format("{} bytes from byte {}", n, offset)});
  }
  return *state_;
}

void file_map::write(std::size_t offset, std::span<const std::byte> bytes) const {
  state& held = checked(offset, bytes.size());
  std::byte* const first = writable_data();
  if (bytes.empty()) return;
  if (held.reaches_file()) return held.source.write_at(bytes, held.offset_bytes + offset);
  std::memcpy(first + offset, bytes.data(), bytes.size());
}

void file_map::flush(std::size_t offset, std::size_t n, flush_mode how) const {
  state& held = checked(offset, n);
  if (!held.reaches_file()) return;
  const std::lock_guard lock(held.flushing);
  held.throw_if_lost();
  try {
    held.start_flush(offset, n, how);
    update_seal();
    return held.finish_flush(offset, n, how);
  } catch (const error& e) {
    held.lost = {e.code(), offset, n};
  } catch (const std::bad_alloc&) {  // while telling what failed
    held.lost = {std::make_error_code(std::errc::not_enough_memory), offset, n};
  }
  held.throw_if_lost();
}

void file_map::update_seal() const {
  state& held = *state_;
  if (!held.seal || !held.reaches_file()) return;
  guarded(*this, [&] { held.seal->update(held.source, {data(), held.size_bytes}); });
}

void file_map::flush(flush_mode how) const { flush(0, size_bytes(), how); }

void file_map::advise(advice hint, std::size_t offset, std::size_t n) const {
  state& held = checked(offset, n);
  // There the pages of this process are the only place where the edits are.
  if (hint == advice::dont_need && held.mode == open_mode::copy_on_write) return;
  if (held.pages.advise(offset, n, hint) == 0) return;
  if (hint == advice::populate && errno == EFAULT) held.refuse_unreadable(offset, n);
  held.source.fail("advise", n, held.offset_bytes + offset);
}

void file_map::advise(advice hint) const { advise(hint, 0, size_bytes()); }

void file_map::close() {
  if (!state_) return;
  if (owners() > 1) {
    throw error(errc::busy, {.path = path(),
                             .subject = "close",
                             .expected = "a map that nobody shares",
                             .found = fmt::format("{} owners", owners())});
  }
  std::optional<error> unsealed;
  try {
    update_seal();
  } catch (const error& e) {
    unsealed = e;
  }
  const detail::shared<state> last = std::move(state_);
  last->pages = {};
  last->throw_if_lost();
  if (unsealed) throw error(*unsealed);
  last->source.close();
}

namespace io {
namespace {

region map_range(const file& source, open_mode mode, std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t size = source.size_bytes();
  if (offset > size || length > size - offset) {
    throw error(errc::truncated, {.path = source.path(),
                                  .subject = "mapped range",
                                  .expected = fmt::format("{} bytes", length),
                                  .found = fmt::format("{}", offset > size ? 0 : size - offset),
                                  .byte_offset = offset});
  }
  if (length == 0) return {};
  return {source, mode, offset, static_cast<std::size_t>(length)};
}

}  // namespace

file& file_of(const file_map& map) { return map.checked(0, 0).source; }

void seal(const file_map& map, detail::shared<map_seal> with) {
  map.checked(0, 0).seal = std::move(with);
}

fault_trap& trap_of(const file_map& map) {
  file_map::state& held = map.checked(0, 0);
  std::call_once(held.trap_made, [&] {
    const std::span<std::byte> pages = held.pages.pages();
    const auto lead = static_cast<std::uint64_t>(held.pages.data() - pages.data());
    held.trap = std::make_unique<fault_trap>(mapped_pages{.begin = pages.data(),
                                                          .size_bytes = pages.size(),
                                                          .offset_bytes = held.offset_bytes - lead,
                                                          .descriptor = held.source.native_handle(),
                                                          .mode = held.mode});
  });
  return *held.trap;
}

file_map map_file(file&& opened, open_mode mode, std::uint64_t offset_bytes,
                  std::uint64_t length_bytes) {
  auto held = detail::shared<file_map::state>::adopt(new file_map::state);
  held->pages = map_range(opened, mode, offset_bytes, length_bytes);
  held->source = std::move(opened);
  held->mode = mode;
  held->offset_bytes = offset_bytes;
  held->size_bytes = static_cast<std::size_t>(length_bytes);
  return file_map(std::move(held));
}

file_map map_file(new_file&& fresh, durability how_safe, std::uint64_t offset_bytes,
                  std::uint64_t length_bytes) {
  auto held = detail::shared<file_map::state>::adopt(new file_map::state);
  held->pages = map_range(fresh.contents(), open_mode::create, offset_bytes, length_bytes);
  held->mode = open_mode::create;
  held->offset_bytes = offset_bytes;
  held->size_bytes = static_cast<std::size_t>(length_bytes);
  held->source = std::move(fresh).commit(how_safe);
  return file_map(std::move(held));
}

}  // namespace io
}  // namespace npymap
