#include "http/date.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <utility>

namespace simul::http {
namespace {

// strftime would ask the locale for the names.
constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

char* put_name(char* out, std::string_view names, int index) {
  return std::copy_n(names.data() + std::size_t{3} * static_cast<std::size_t>(index), 3, out);
}

char* put_two_digits(char* out, int number) {
  *out++ = static_cast<char>('0' + number / 10);
  *out++ = static_cast<char>('0' + number % 10);
  return out;
}

// Reads a date piece by piece; once something doesn't fit, nothing does.
class DateScanner {
 public:
  explicit DateScanner(std::string_view text) noexcept : rest_(text) {}

  bool skip(std::string_view text) noexcept {
    good_ = good_ && rest_.starts_with(text);
    rest_.remove_prefix(good_ ? text.size() : 0);
    return good_;
  }
  int number(std::size_t digits) noexcept {
    int value = 0;
    good_ = good_ && rest_.size() >= digits;
    for (std::size_t i = 0; good_ && i < digits; ++i) {
      good_ = rest_[i] >= '0' && rest_[i] <= '9';
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(good_ ? digits : 0);
    return value;
  }
  /// asctime's, padded with a blank.
  int padded_number() noexcept {
    return rest_.starts_with(' ') ? (skip(" "), number(1)) : number(2);
  }
  int month() noexcept {
    const std::size_t at =
        rest_.size() < 3 ? std::string_view::npos : kMonths.find(rest_.substr(0, 3));
    good_ = good_ && at != std::string_view::npos && at % 3 == 0;
    rest_.remove_prefix(good_ ? 3 : 0);
    return static_cast<int>(at / 3) + 1;
  }
  void time_of_day() noexcept {
    hours_ = number(2);
    skip(":");
    minutes_ = number(2);
    skip(":");
    seconds_ = number(2);
  }
  [[nodiscard]] std::optional<std::time_t> finish(int year, int month, int day) const noexcept {
    using namespace std::chrono;  // NOLINT(google-build-using-namespace)
    if (!good_ || !rest_.empty()) {
      return std::nullopt;
    }
    const year_month_day date{std::chrono::year(year),
                              std::chrono::month(static_cast<unsigned>(month)),
                              std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok() || hours_ > 23 || minutes_ > 59 || seconds_ > 60) {
      return std::nullopt;
    }
    return (sys_days(date) + hours(hours_) + minutes(minutes_) + seconds(seconds_))
        .time_since_epoch()
        .count();
  }

 private:
  std::string_view rest_;
  bool good_ = true;
  int hours_ = 0;
  int minutes_ = 0;
  int seconds_ = 0;
};

constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<std::time_t> parse_fixed(std::string_view text) noexcept {
  DateScanner scan(text);
  scan.skip(", ");
  const int day = scan.number(2);
  scan.skip(" ");
  const int month = scan.month();
  scan.skip(" ");
  const int year = scan.number(4);
  scan.skip(" ");
  scan.time_of_day();
  scan.skip(" GMT");
  return scan.finish(year, month, day);
}

// "Sunday, 06-Nov-94 08:49:37 GMT"
std::optional<std::time_t> parse_rfc850(std::string_view text, std::time_t now) noexcept {
  DateScanner scan(text);
  scan.skip(", ");
  const int day = scan.number(2);
  scan.skip("-");
  const int month = scan.month();
  scan.skip("-");
  int year = scan.number(2);
  scan.skip(" ");
  scan.time_of_day();
  scan.skip(" GMT");
  std::tm parts{};
  if (::gmtime_r(&now, &parts) != nullptr) {
    // More than fifty years ahead means the past.
    const int this_year = parts.tm_year + 1900;
    year += this_year / 100 * 100;
    year -= year > this_year + 50 ? 100 : 0;
  }
  return scan.finish(year, month, day);
}

// "Sun Nov  6 08:49:37 1994"
std::optional<std::time_t> parse_asctime(std::string_view text) noexcept {
  DateScanner scan(text);
  scan.skip(" ");
  const int month = scan.month();
  scan.skip(" ");
  const int day = scan.padded_number();
  scan.skip(" ");
  scan.time_of_day();
  scan.skip(" ");
  const int year = scan.number(4);
  return scan.finish(year, month, day);
}

}  // namespace

std::optional<std::time_t> parse_date(std::string_view text, std::time_t now) noexcept {
  for (const std::string_view day : kLongDays) {
    if (text.starts_with(day)) {
      return parse_rfc850(text.substr(day.size()), now);
    }
  }
  for (const std::string_view day : kLongDays) {
    if (text.starts_with(day.substr(0, 3))) {
      text.remove_prefix(3);
      return text.starts_with(',') ? parse_fixed(text) : parse_asctime(text);
    }
  }
  return std::nullopt;
}

DateText format_date(std::time_t time) noexcept {
  std::tm parts{};
  DateText text;
  if (::gmtime_r(&time, &parts) == nullptr || parts.tm_year < -1900 || parts.tm_year > 8099) {
    return format_date(0);  // a file from beyond the year 9999
  }
  char* out = put_name(text.data(), kDays, parts.tm_wday);
  *out++ = ',';
  *out++ = ' ';
  out = put_two_digits(out, parts.tm_mday);
  *out++ = ' ';
  out = put_name(out, kMonths, parts.tm_mon);
  *out++ = ' ';
  const int year = parts.tm_year + 1900;
  out = put_two_digits(put_two_digits(out, year / 100), year % 100);
  for (const auto [separator, number] :
       {std::pair{' ', parts.tm_hour}, {':', parts.tm_min}, {':', parts.tm_sec}}) {
    *out++ = separator;
    out = put_two_digits(out, number);
  }
  std::copy_n(" GMT", 4, out);
  return text;
}

std::string_view current_date() noexcept {
  struct Cached {
    std::time_t second;
    DateText text;
  };
  static thread_local constinit Cached cached{.second = -1, .text = {}};
  std::timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != cached.second) [[unlikely]] {
    cached = {.second = now.tv_sec, .text = format_date(now.tv_sec)};
  }
  return {cached.text.data(), cached.text.size()};
}

}  // namespace simul::http
