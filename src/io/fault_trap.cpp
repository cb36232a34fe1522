#include "io/fault_trap.hpp"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "io/system.hpp"

namespace npymap::io {
namespace {

// Who guards what. The signal handler reads this, so it knows no locks and nothing of it is ever
// freed; there are as many places as guards have lived at once.
struct guarded_map {
  std::atomic<std::uintptr_t> thread = 0;  // 0 where the place is free
  std::atomic<fault_trap*> trap = nullptr;
};
struct guarded_maps {
  std::array<guarded_map, 64> places;
  std::atomic<guarded_maps*> more = nullptr;
};
constinit guarded_maps all_guarded;

std::uintptr_t this_thread() noexcept { return static_cast<std::uintptr_t>(pthread_self()); }

guarded_map& take_place(fault_trap& trap) {
  for (guarded_maps* some = &all_guarded;;) {
    for (guarded_map& place : some->places) {
      std::uintptr_t nobody = 0;
      if (place.thread != 0 || !place.thread.compare_exchange_strong(nobody, this_thread()))
        continue;
      place.trap = &trap;
      return place;
    }
    guarded_maps* next = some->more;
    if (!next) {
      auto* const fresh = new guarded_maps;
      if (some->more.compare_exchange_strong(next, fresh)) {
        next = fresh;
      } else {
        delete fresh;
      }
    }
    some = next;
  }
}

void leave_place(guarded_map& place) noexcept {
  place.trap = nullptr;
  place.thread = 0;
}

fault_trap* trap_at(const std::byte* at) noexcept {
  for (guarded_maps* some = &all_guarded; some; some = some->more) {
    for (guarded_map& place : some->places) {
      if (place.thread != this_thread()) continue;
      fault_trap* const trap = place.trap;
      if (trap && trap->holds(at)) return trap;
    }
  }
  return nullptr;
}

// The handler that was there before ours, and how many guards want ours.
std::mutex installing;
int users = 0;
bool is_installed = false;
struct sigaction earlier;

void pass_on(int signal, siginfo_t* info, void* context) noexcept {
  if ((earlier.sa_flags & SA_SIGINFO) != 0) return earlier.sa_sigaction(signal, info, context);
  if (earlier.sa_handler != SIG_DFL && earlier.sa_handler != SIG_IGN) {
    return earlier.sa_handler(signal);
  }
  // On return the same touch faults again, and ends the process as if we had not been there. One
  // that was sent by kill, and is not ignored, must be sent again.
  if (info->si_code <= 0 && earlier.sa_handler == SIG_IGN) return;
  ::sigaction(SIGBUS, &earlier, nullptr);
  if (info->si_code <= 0) ::raise(SIGBUS);
}

void on_bus_error(int signal, siginfo_t* info, void* context) noexcept {
  const int errno_before = errno;
  const auto* const at = static_cast<const std::byte*>(info->si_addr);
  fault_trap* const trap = info->si_code > 0 ? trap_at(at) : nullptr;  // above 0: of the kernel's
  if (!trap || !trap->cover(at)) pass_on(signal, info, context);
  errno = errno_before;
}

void install() noexcept {
  const std::lock_guard lock(installing);
  if (users++ > 0 || is_installed) return;
  struct sigaction ours {};
  ours.sa_sigaction = on_bus_error;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&ours.sa_mask);
  is_installed = ::sigaction(SIGBUS, &ours, &earlier) == 0;
}

void uninstall() noexcept {
  const std::lock_guard lock(installing);
  if (--users > 0) return;
  // Somebody who came after us may call us: then we stay.
  struct sigaction now;
  if (::sigaction(SIGBUS, nullptr, &now) != 0 || (now.sa_flags & SA_SIGINFO) == 0 ||
      now.sa_sigaction != on_bus_error) {
    return;
  }
  is_installed = ::sigaction(SIGBUS, &earlier, nullptr) != 0;
}

// Straight from the system: ThreadSanitizer takes glibc's mmap for a write to all of the pages,
// which other threads may be reading.
bool map_over(std::byte* begin, std::size_t n, int protection, int flags, int descriptor,
              std::uint64_t offset) noexcept {
  return ::syscall(SYS_mmap, begin, n, protection, flags | MAP_FIXED, descriptor,
                   static_cast<off_t>(offset)) != -1;
}

int protection(open_mode mode) noexcept {
  return mode == open_mode::read ? PROT_READ : PROT_READ | PROT_WRITE;
}

}  // namespace

void* fault_trap::enter(std::uint64_t& faults_before) {
  guarded_map& place = take_place(*this);
  install();
  const std::lock_guard lock(entering_);
  ++guards_;
  faults_before = faults_when_whole_;
  return &place;
}

void fault_trap::leave(void* place) noexcept {
  {
    const std::lock_guard lock(entering_);
    if (--guards_ == 0 && covered_count_ > 0) uncover();
  }
  uninstall();
  leave_place(*static_cast<guarded_map*>(place));
}

page_fault fault_trap::first_fault() const noexcept {
  const std::uint64_t size = first_file_bytes_;
  return {first_offset_, size == none ? std::nullopt : std::optional(size)};
}

fault_trap::page_range fault_trap::missing_at(std::size_t place,
                                              std::uint64_t file_bytes) const noexcept {
  const std::size_t page = sys::page_bytes();
  const std::size_t begin = place / page * page;
  const std::uint64_t file_end = (file_bytes + page - 1) / page * page;
  const std::uint64_t first_lost = file_end - std::min(file_end, pages_.offset_bytes);
  if (first_lost <= begin) return {static_cast<std::size_t>(first_lost), pages_.size_bytes};
  return {begin, begin + page};
}

bool fault_trap::cover(const std::byte* at) noexcept {
  const std::size_t n = covered_count_++;
  if (n >= most_ranges) return false;
  const auto place = static_cast<std::size_t>(at - pages_.begin);
  struct stat now;
  const bool knows_size = ::fstat(pages_.descriptor, &now) == 0;
  const std::uint64_t file_bytes = knows_size ? static_cast<std::uint64_t>(now.st_size) : none / 2;
  page_range missing = missing_at(place, file_bytes);
  if (n + 1 == most_ranges) missing = {0, pages_.size_bytes};
  if (!map_over(pages_.begin + missing.begin, missing.end - missing.begin, protection(pages_.mode),
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    return false;
  }
  covered_[n] = missing;
  std::uint64_t nowhere = none;
  if (first_offset_.compare_exchange_strong(nowhere, pages_.offset_bytes + place) &&
      file_bytes <= pages_.offset_bytes + place) {
    first_file_bytes_ = file_bytes;
  }
  ++faults_;
  return true;
}

// A touch without a guard is a SIGBUS again, rather than a zero.
void fault_trap::uncover() noexcept {
  const bool is_shared = pages_.mode == open_mode::read_write || pages_.mode == open_mode::create;
  const int flags = is_shared ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE;
  for (std::size_t n = 0; n < std::min<std::size_t>(covered_count_, most_ranges); ++n) {
    const auto [begin, end] = covered_[n];
    if (begin == end) continue;  // could not be covered
    if (!map_over(pages_.begin + begin, end - begin, protection(pages_.mode), flags,
                  pages_.descriptor, pages_.offset_bytes + begin)) {
      ::mprotect(pages_.begin + begin, end - begin, PROT_NONE);
    }
    covered_[n] = {};
  }
  covered_count_ = 0;
  first_offset_ = first_file_bytes_ = none;
  faults_when_whole_ = faults_.load();
}

}  // namespace npymap::io
