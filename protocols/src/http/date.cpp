#include "http/date.hpp"

#include <algorithm>
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

}  // namespace

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
