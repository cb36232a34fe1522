#include "cli/progress.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "io/program.hpp"

namespace npymap::cli {
namespace {

using namespace std::chrono_literals;

std::string size_text(double bytes) {
  constexpr std::array<std::string_view, 7> units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, units[unit]);
}

std::string time_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::min(seconds, 359999.));  // 99:59:59
  const auto [hours, rest] = std::lldiv(whole, 3600);
  return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, rest / 60, rest % 60)
                   : fmt::format("{}:{:02}", rest / 60, rest % 60);
}

}  // namespace

progress::progress(progress_display display, std::uint64_t total_bytes)
    : shown_(display == progress_display::always ||
             (display == progress_display::on_terminal && io::errors_reach_terminal())),
      total_bytes_(total_bytes),
      next_draw_(display == progress_display::always ? start_ : start_ + 500ms) {}

progress::~progress() {
  if (shown_ && drawn_) {
    draw(clock::now());
    std::fputc('\n', stderr);
  }
}

void progress::reach(std::uint64_t done_bytes, std::uint64_t total_bytes) {
  done_bytes_ = done_bytes;
  total_bytes_ = total_bytes;
  if (!shown_) return;
  const auto now = clock::now();
  if (now < next_draw_) return;
  draw(now);
  next_draw_ = now + 100ms;
}

std::string progress::line(clock::time_point now) const {
  constexpr int bar_width = 16;
  const auto done = static_cast<double>(done_bytes_);
  const double part = total_bytes_ == 0 ? 1 : done / static_cast<double>(total_bytes_);
  const double seconds = std::max(std::chrono::duration<double>(now - start_).count(), 1e-6);
  const int filled = static_cast<int>(part * bar_width);
  return fmt::format("[{:#<{}}{:>{}}] {:3.0f}%  {} of {}  {}/s  {} left", "", filled, "",
                     bar_width - filled, std::floor(100 * part), size_text(done),
                     size_text(static_cast<double>(total_bytes_)), size_text(done / seconds),
                     done > 0 ? time_text(seconds * (1 - part) / part) : "?");
}

void progress::draw(clock::time_point now) {
  constexpr int most_columns = 78;
  drawn_ = true;
  // A line that is wrapped is not drawn over but left behind, again and again.
  const int columns = std::clamp(io::error_columns().value_or(80) - 1, 1, most_columns);
  // "\x1b[K" would clear the rest of the line; spaces do on every terminal, and in a file.
  std::fputs(fmt::format("\r{:<{}.{}}", line(now), columns, columns).c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace npymap::cli
