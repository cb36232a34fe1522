#include "io/touched_ahead.hpp"

#include <algorithm>
#include <system_error>

#include "io/system.hpp"

namespace npymap::io {
namespace {

// Between two looks whether it is over; small memory is filled sooner than a thread begins.
constexpr std::size_t step_bytes = 4 * sys::huge_page_bytes;
constexpr std::size_t small_bytes = 2 * step_bytes;

}  // namespace

touched_ahead::touched_ahead(aligned_buffer& memory) {
  if (memory.size_bytes() < small_bytes) return;
  try {
    toucher_ = std::async(std::launch::async, [this, all = memory.bytes()] {
      for (auto rest = all; !rest.empty() && !is_over_;) {
        const auto now = rest.first(std::min(step_bytes, rest.size()));
        sys::touch_memory(now.data(), now.size());
        rest = rest.subspan(now.size());
      }
    });
  } catch (const std::system_error&) {  // then the pages come when they are filled
  }
}

touched_ahead::~touched_ahead() { is_over_ = true; }

}  // namespace npymap::io
