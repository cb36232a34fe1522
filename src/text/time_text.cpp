#include "text/time_text.hpp"

#include <limits>

#include "core/calendar.hpp"
#include "text/number_text.hpp"

namespace npymap::text {
namespace {

using detail::wide_int;

bool is_nat(std::string_view text) {
  return text.empty() || (text.size() == 3 && (text[0] | 32) == 'n' && (text[1] | 32) == 'a' &&
                          (text[2] | 32) == 't');
}

// So many digits off the front, as a number; -1 if there are fewer.
int take_digits(std::string_view& text, std::size_t n) {
  if (text.size() < n) return -1;
  int number = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(n);
  return number;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// `separator` and two digits from `least` to `most`, if any: else `least`. False if they are wrong.
bool take_part(std::string_view& text, char separator, int least, int most, int& part) {
  part = least;
  if (!take(text, separator)) return true;
  part = take_digits(text, 2);
  return part >= least && part <= most;
}

// Four digits, or more and a sign.
bool take_year(std::string_view& text, wide_int& year) {
  const bool is_negative = take(text, '-');
  if (!is_negative) take(text, '+');
  std::size_t n = 0;
  year = 0;
  constexpr std::size_t most_digits = 18;
  for (; n < text.size() && text[n] >= '0' && text[n] <= '9'; ++n) {
    if (n == most_digits) return false;
    year = year * 10 + (text[n] - '0');
  }
  if (n < 4) return false;
  text.remove_prefix(n);
  if (is_negative) year = -year;
  return true;
}

// From what stands behind "T": hours, minutes, seconds and a fraction, in attoseconds.
bool take_time(std::string_view& text, wide_int& attoseconds) {
  int hour = take_digits(text, 2), minute = 0, second = 0;
  if (hour < 0 || hour > 23) return false;
  const bool has_minute = text.starts_with(':');
  if (!take_part(text, ':', 0, 59, minute)) return false;
  const bool has_second = has_minute && text.starts_with(':');
  if (has_minute && !take_part(text, ':', 0, 59, second)) return false;
  constexpr wide_int one_second = 1'000'000'000'000'000'000;
  attoseconds = one_second * (hour * 3600 + minute * 60 + second);
  if (!has_second || !take(text, '.')) return true;
  wide_int place = one_second;
  std::size_t n = 0;
  for (; n < text.size() && text[n] >= '0' && text[n] <= '9'; ++n) {
    place /= 10;
    attoseconds += place * (text[n] - '0');
  }
  text.remove_prefix(n);
  return n > 0;
}

}  // namespace

std::optional<std::int64_t> parse_datetime(std::string_view text, time_step step) noexcept {
  if (is_nat(text)) return detail::not_a_time;
  wide_int year = 0, attoseconds = 0;
  int month = 1, day = 1;
  if (!take_year(text, year)) return {};
  const bool has_month = text.starts_with('-');
  if (!take_part(text, '-', 1, 12, month)) return {};
  const wide_int months = (year - 1970) * 12 + (month - 1);
  const wide_int first = detail::days_of_month(months);
  const auto length_of_month = static_cast<int>(detail::days_of_month(months + 1) - first);
  const bool has_day = has_month && text.starts_with('-');
  if (has_month && !take_part(text, '-', 1, length_of_month, day)) return {};
  if (has_day && (take(text, 'T') || take(text, ' '))) {
    if (!take_time(text, attoseconds)) return {};
    take(text, 'Z');
  }
  if (!text.empty()) return {};
  const wide_int length = detail::length(step);
  wide_int steps = 0;
  if (detail::is_calendar(step.unit)) {
    steps = detail::divide_down(months, length).whole;
  } else {
    // In parts, as attoseconds since the year 1 would not fit.
    constexpr wide_int day_length = detail::attoseconds(time_unit::day);
    const wide_int days = first + day - 1;
    if (length >= day_length && length % day_length == 0) {
      steps = detail::divide_down(days, length / day_length).whole;
    } else {
      constexpr wide_int most = std::numeric_limits<wide_int>::max() / day_length - 1;
      if (days > most || days < -most) return {};
      steps = detail::divide_down(days * day_length + attoseconds, length).whole;
    }
  }
  if (steps <= detail::not_a_time || steps > std::numeric_limits<std::int64_t>::max()) return {};
  return static_cast<std::int64_t>(steps);
}

std::optional<std::int64_t> parse_timedelta(std::string_view text) noexcept {
  if (is_nat(text)) return detail::not_a_time;
  std::int64_t steps = 0;
  const char* const end = text.data() + text.size();
  if (take_integer(text.data(), end, steps) != end) return {};
  return steps;
}

}  // namespace npymap::text
