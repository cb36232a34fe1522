#include "npz/streamed_elements.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <npymap/error.hpp>

#include "npz/indexed_member.hpp"
#include "npz/member_array.hpp"
#include "npz/member_stream.hpp"

namespace npymap::detail {
namespace {

/// A member read up to some byte, and the last bytes before that: blocks with a halo go back.
class streamed_bytes {
 public:
  /// At the first element.
  streamed_bytes(zip::member_stream from, std::uint64_t head_bytes)
      : from_(std::move(from)), head_bytes_(head_bytes) {}

  /// The element byte that is read next.
  std::uint64_t position() const noexcept { return position_; }
  /// A byte will be read. Where that is back, but by less than `most_bytes`, it is what blocks with
  /// a halo do each time: from now on so much is kept, for which others do not pay.
  void expect(std::uint64_t offset, std::size_t most_bytes) {
    if (offset >= position_ || position_ - offset > most_bytes) return;
    kept_bytes_ = std::max(kept_bytes_, static_cast<std::size_t>(position_ - offset));
  }

  void read(std::uint64_t offset, std::span<std::byte> out) {
    if (is_lost_ || offset < position_ - held_.size()) rewind();
    while (!out.empty()) {
      if (offset == position_ && out.size() >= piece_bytes) {  // not by way of `held_`
        read_to(out.first(piece_bytes));
        if (kept_bytes_ == 0) {
          held_.clear();
        } else {
          hold(out.first(piece_bytes));
        }
        offset += piece_bytes;
        out = out.subspan(piece_bytes);
        continue;
      }
      if (offset >= position_) {
        read_piece();
        continue;
      }
      const auto back = static_cast<std::size_t>(position_ - offset);
      const std::size_t n = std::min(back, out.size());
      std::memcpy(out.data(), held_.data() + held_.size() - back, n);
      offset += n;
      out = out.subspan(n);
    }
  }

  /// Begin anew next time: a read has ended somewhere.
  void lose() noexcept { is_lost_ = true; }

 private:
  static constexpr std::size_t piece_bytes = 128 << 10;

  void rewind() {
    is_lost_ = true;  // unless all goes well
    from_.rewind();
    position_ = 0;
    held_.clear();
    std::vector<std::byte> head(static_cast<std::size_t>(head_bytes_));
    from_.read(head);
    is_lost_ = false;
  }

  void read_to(std::span<std::byte> out) {
    const std::size_t got = from_.read(out);
    if (got != out.size()) {  // boxes lie within the array, and the member is as long
      throw error(errc::truncated, {.subject = "data of a member"});
    }
    position_ += got;
  }

  void read_piece() {
    std::vector<std::byte> piece(piece_bytes);
    piece.resize(from_.read(piece));
    if (piece.empty()) throw error(errc::truncated, {.subject = "data of a member"});
    position_ += piece.size();
    hold(piece);
  }

  // Lets go of what is further back, but not each time.
  void hold(std::span<const std::byte> piece) {
    const std::size_t most = kept_bytes_ + piece_bytes;
    if (held_.size() > 2 * most) {
      held_.erase(held_.begin(), held_.end() - static_cast<std::ptrdiff_t>(most));
    }
    held_.insert(held_.end(), piece.begin(), piece.end());
  }

  zip::member_stream from_;
  const std::uint64_t head_bytes_;
  std::uint64_t position_ = 0;
  std::vector<std::byte> held_;  // the last bytes in front of `position_`
  std::size_t kept_bytes_ = 0;
  bool is_lost_ = false;
};

std::size_t bytes_of(const element_source& elements, const block_box& box) {
  return static_cast<std::size_t>(*array_bytes(box.extents, elements.type().itemsize()));
}

/// The runs in which a box lies, front to back: where each begins among the elements' bytes, and
/// where it goes in `out`, which it fills.
template <class F>
void for_each_run(const element_source& elements, const block_box& box, std::span<std::byte> out,
                  const F& read) {
  if (out.empty()) return;
  const index_vector& outward = elements.outward();
  auto run_bytes = static_cast<std::size_t>(elements.type().itemsize());
  int cut = outward.rank() - 1;  // the innermost axis that is not whole
  for (; cut >= 0; --cut) {
    const int axis = static_cast<int>(outward[cut]);
    run_bytes *= static_cast<std::size_t>(box.extents[axis]);
    if (box.extents[axis] != elements.shape()[axis]) break;
  }
  const std::size_t runs = out.size() / run_bytes;
  for (std::size_t run = 0; run < runs; ++run) {
    auto rest = static_cast<index_t>(run);
    index_t place = byte_offset(box.start, elements.byte_strides());
    for (int i = cut - 1; i >= 0; --i) {
      const int axis = static_cast<int>(outward[i]);
      place += rest % box.extents[axis] * elements.byte_strides()[axis];
      rest /= box.extents[axis];
    }
    read(static_cast<std::uint64_t>(place), out.subspan(run * run_bytes, run_bytes));
  }
}

/// Of an archive that is written to, an array shares bytes.
bool may_share_bytes(const npz_archive& archive, const any_array& y) {
  if (!y.is_mapped() || y.mode() == open_mode::copy_on_write || y.size_bytes() == 0) return false;
  return archive.file().is_same(io::file_of(y.map()));
}

/// Any box of a member of ours, in any order and any thread.
class indexed_elements final : public element_source {
 public:
  indexed_elements(shared<npz_archive> archive, const npz_member& member, const header& facts,
                   const strides& steps, std::unique_ptr<zip::indexed_member> from)
      : element_source(archive->file().path() + ":" + member.file_name, facts.dtype,
                       {facts.shape, steps, facts.dtype.itemsize()}),
        archive_(std::move(archive)),
        head_bytes_(facts.data_offset_bytes),
        from_(std::move(from)) {}

  bool may_overlap(const any_array& y) const override { return may_share_bytes(*archive_, y); }

  const std::byte* fetch(const block_box& box, std::span<std::byte> slot) const override {
    for_each_run(*this, box, slot.first(bytes_of(*this, box)),
                 [this](std::uint64_t offset, std::span<std::byte> out) {
                   from_->read(head_bytes_ + offset, out, 1);  // boxes are fetched many at once
                 });
    return slot.data();
  }

 private:
  const shared<npz_archive> archive_;  // whose file `from_` reads
  const std::uint64_t head_bytes_;
  const std::unique_ptr<zip::indexed_member> from_;
};

class elements_of_member final : public element_source {
 public:
  elements_of_member(shared<npz_archive> archive, const npz_member& member, const header& facts,
                     const strides& steps, zip::member_stream from)
      : element_source(archive->file().path() + ":" + member.file_name, facts.dtype,
                       {facts.shape, steps, facts.dtype.itemsize()}),
        archive_(std::move(archive)),
        bytes_(std::move(from), facts.data_offset_bytes) {}

  bool may_overlap(const any_array& y) const override { return may_share_bytes(*archive_, y); }

  const std::byte* fetch(const block_box& box, std::span<std::byte> slot) const override {
    const auto begin = static_cast<std::uint64_t>(byte_offset(box.start, byte_strides()));
    std::unique_lock lock(reading_);
    wait_for_turn(lock, begin);
    if (failure_) throw error(*failure_);
    try {
      read_box(box, slot.first(bytes_of(*this, box)));
    } catch (const error& e) {
      failure_ = e;
      moved_.notify_all();
      throw;
    } catch (...) {
      bytes_.lose();
      throw;
    }
    moved_.notify_all();
    return slot.data();
  }

 private:
  // Passes ask for the next boxes in many threads, of which the first need not come first. Who
  // waits for one that never comes, as when only some rows are wanted, goes on after a while.
  void wait_for_turn(std::unique_lock<std::mutex>& lock, std::uint64_t begin) const {
    constexpr std::chrono::milliseconds patience(50);
    const auto is_here = [&] { return failure_ || bytes_.position() >= begin; };
    for (std::uint64_t seen = 0; !is_here();) {
      seen = bytes_.position();
      if (!moved_.wait_for(lock, patience, is_here) && bytes_.position() == seen) return;
    }
  }

  void read_box(const block_box& box, std::span<std::byte> slot) const {
    bytes_.expect(static_cast<std::uint64_t>(byte_offset(box.start, byte_strides())), slot.size());
    for_each_run(*this, box, slot, [this](std::uint64_t offset, std::span<std::byte> out) {
      bytes_.read(offset, out);
    });
  }

  const shared<npz_archive> archive_;  // whose file the stream reads
  mutable std::mutex reading_;         // guards all below
  mutable std::condition_variable moved_;
  mutable streamed_bytes bytes_;
  mutable std::optional<error> failure_;
};

}  // namespace

shared<element_source> streamed_elements(const shared<npz_archive>& archive,
                                         const npz_member& member) {
  require_expansion(*archive, member);
  const zip::zip_entry entry = archive->entry(member);
  zip::member_stream from(archive->file(), entry);
  const header facts = read_header(from, member, archive->options().header_limit);
  require_held(facts, member);
  const strides steps = dense_byte_strides(facts.shape, facts.dtype.itemsize(), facts.order);
  if (auto indexed = zip::indexed_member::find(archive->file(), entry)) {
    return shared<element_source>::adopt(
        new indexed_elements(archive, member, facts, steps, std::move(indexed)));
  }
  return shared<element_source>::adopt(
      new elements_of_member(archive, member, facts, steps, std::move(from)));
}

}  // namespace npymap::detail
