#include "http/access_line.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "http/characters.hpp"

namespace simul::http {
namespace {

using std::chrono::sys_seconds;

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

// What the log has of a header, each cut.
struct Fields {
  std::string_view referer;
  std::string_view user_agent;
};

constexpr std::string_view cut(std::string_view text) noexcept {
  return text.substr(0, kLongestLogged);
}

// One walk for both.
Fields fields_of(const RequestHead& head) noexcept {
  static constexpr std::string_view kReferer = "referer";
  static constexpr std::string_view kUserAgent = "user-agent";
  Fields found;
  for (const auto& [name, value] : head.fields) {
    if (found.referer.empty() && equal_ignoring_case(name, kReferer)) {
      found.referer = cut(value);
    } else if (found.user_agent.empty() && equal_ignoring_case(name, kUserAgent)) {
      found.user_agent = cut(value);
    }
  }
  return found;
}

// The functions below write at `out` and give the end. There is room.

char* put(char* out, std::string_view text) noexcept {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* put_number(char* out, std::uint64_t number) noexcept {
  return std::to_chars(out, out + 20, number).ptr;
}

char* put_digits(char* out, std::uint64_t number, int digits) noexcept {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
  return out + digits;
}

char* put_byte(char* out, std::string_view prefix, char byte) noexcept {
  const auto bits = static_cast<unsigned char>(byte);
  out = put(out, prefix);
  *out++ = kHex[bits >> 4];
  *out++ = kHex[bits & 15];
  return out;
}

char* put_ipv4(char* out, const void* address) noexcept {
  const auto* const bytes = static_cast<const unsigned char*>(address);
  for (int i = 0; i < 4; ++i) {
    if (i > 0) {
      *out++ = '.';
    }
    out = put_number(out, bytes[i]);
  }
  return out;
}

char* put_client(char* out, const Endpoint& peer) noexcept {
  switch (peer.family()) {
    case Endpoint::Family::ipv4: {
      sockaddr_storage address;
      peer.to_sockaddr(address);
      return put_ipv4(out, &reinterpret_cast<const sockaddr_in&>(address).sin_addr);
    }
    case Endpoint::Family::ipv6: {
      sockaddr_storage address;
      peer.to_sockaddr(address);
      const in6_addr& ip = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
      if (IN6_IS_ADDR_V4MAPPED(&ip)) {
        return put_ipv4(out, ip.s6_addr + 12);
      }
      ::inet_ntop(AF_INET6, &ip, out, INET6_ADDRSTRLEN);
      return out + std::strlen(out);
    }
    case Endpoint::Family::local:
    case Endpoint::Family::unspecified:  // a client of a Unix socket has no name
      return put(out, "unix:");
  }
  return out;
}

constexpr bool is_plain(char c) noexcept { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }

// The plain text at the front of `text`.
std::string_view plain_front(std::string_view text) noexcept {
  static constexpr auto kPlain = [] {
    std::array<bool, 256> plain{};
    for (std::size_t i = 0; i < plain.size(); ++i) {
      plain[i] = is_plain(static_cast<char>(i));
    }
    return plain;
  }();
  std::size_t size = 0;
  while (size < text.size() && kPlain[static_cast<unsigned char>(text[size])]) {
    ++size;
  }
  return text.substr(0, size);
}

// As ap_escape_logitem() does.
char* put_escaped(char* out, std::string_view text) noexcept {
  static constexpr std::string_view kNamed = "\b\n\r\t\v\"\\";
  static constexpr std::string_view kNames = "bnrtv\"\\";
  for (;;) {
    const std::string_view plain = plain_front(text);
    out = put(out, plain);
    if (plain.size() == text.size()) {
      return out;
    }
    const char c = text[plain.size()];
    if (const std::size_t named = kNamed.find(c); named != std::string_view::npos) {
      *out++ = '\\';
      *out++ = kNames[named];
    } else {
      out = put_byte(out, "\\x", c);
    }
    text.remove_prefix(plain.size() + 1);
  }
}

// Of the UTF-8 character of several bytes at the front of `text`; 0: these bytes are none (RFC 3629, 4).
std::size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first >= 0xC2 && first <= 0xDF) {
    return continues(1) ? 2 : 0;
  }
  if (first >= 0xE0 && first <= 0xEF) {
    const bool good = continues(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF);
    return good && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool good = continues(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
    return good && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

// A string of JSON. What is no UTF-8 becomes U+FFFD, and what could steer a terminal an escape (U+0080 to
// U+009F too).
char* put_json(char* out, std::string_view text) noexcept {
  *out++ = '"';
  for (;;) {
    const std::string_view plain = plain_front(text);
    out = put(out, plain);
    text.remove_prefix(plain.size());
    if (text.empty()) {
      break;
    }
    const char c = text.front();
    std::size_t length = 1;
    if (c == '"' || c == '\\') {
      *out++ = '\\';
      *out++ = c;
    } else if (static_cast<unsigned char>(c) < 0x80) {
      out = put_byte(out, "\\u00", c);
    } else if (length = utf8_length(text); length == 0) {
      out = put(out, "\\ufffd");
      length = 1;
    } else if (c == '\xC2' && static_cast<unsigned char>(text[1]) < 0xA0) {
      out = put_byte(out, "\\u00", text[1]);
    } else {
      out = put(out, text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  *out++ = '"';
  return out;
}

char* put_json_or_null(char* out, std::string_view text) noexcept {
  return text.empty() ? put(out, "null") : put_json(out, text);
}

char* put_quoted_or_dash(char* out, std::string_view text) noexcept {
  *out++ = '"';
  out = text.empty() ? put(out, "-") : put_escaped(out, text);
  *out++ = '"';
  return out;
}

std::string_view version_of(const RequestHead& head) noexcept {
  return head.minor_version == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

char* put_clf(char* out, const Access& access, sys_seconds second, AccessTimes& times) noexcept {
  out = put_client(out, access.peer);
  out = put(out, " - - [");
  out = put(out, times.clf(second));
  out = put(out, "] \"");
  if (access.head.method.empty()) {
    *out++ = '-';
  } else {
    out = put_escaped(out, cut(access.head.method));
    *out++ = ' ';
    out = put_escaped(out, cut(access.head.target));
    *out++ = ' ';
    out = put(out, version_of(access.head));
  }
  out = put(out, "\" ");
  out = put_number(out, static_cast<std::uint64_t>(access.status));
  *out++ = ' ';
  return access.bytes == 0 ? put(out, "-") : put_number(out, access.bytes);
}

char* put_json_line(char* out, const Access& access, const Fields& fields, WallTime received,
                    AccessTimes& times) noexcept {
  const auto second = std::chrono::floor<std::chrono::seconds>(received);
  const RequestHead& head = access.head;
  const bool is_request = !head.method.empty();
  out = put(out, "{\"time\":\"");
  out = put(out, times.rfc3339(second));
  *out++ = '.';
  out = put_digits(
      out, static_cast<std::uint64_t>((received - second) / std::chrono::milliseconds(1)), 3);
  out = put(out, "Z\",\"client\":\"");
  out = put_client(out, access.peer);
  out = put(out, "\",\"port\":");
  out = put_number(out, access.peer.port());
  out = put(out, ",\"method\":");
  out = put_json_or_null(out, cut(head.method));
  out = put(out, ",\"target\":");
  out = put_json_or_null(out, cut(head.target));
  out = put(out, ",\"host\":");
  out = put_json_or_null(out, cut(head.host));
  out = put(out, ",\"version\":");
  out = put_json_or_null(out, is_request ? version_of(head) : std::string_view());
  out = put(out, ",\"status\":");
  out = put_number(out, static_cast<std::uint64_t>(access.status));
  out = put(out, ",\"bytes\":");
  out = put_number(out, access.bytes);
  out = put(out, ",\"duration\":");
  const auto microseconds = static_cast<std::uint64_t>(std::max(access.took, Duration::zero()) /
                                                       std::chrono::microseconds(1));
  out = put_number(out, microseconds / 1'000'000);
  *out++ = '.';
  out = put_digits(out, microseconds % 1'000'000, 6);
  out = put(out, ",\"referer\":");
  out = put_json_or_null(out, fields.referer);
  out = put(out, ",\"user_agent\":");
  out = put_json_or_null(out, fields.user_agent);
  out = put(out, access.secure ? ",\"tls\":true}" : ",\"tls\":false}");
  return out;
}

}  // namespace

std::string_view AccessTimes::clf(sys_seconds second) noexcept {
  format(second);
  return {clf_.data(), clf_.size()};
}

std::string_view AccessTimes::rfc3339(sys_seconds second) noexcept {
  format(second);
  return {rfc3339_.data(), rfc3339_.size()};
}

void AccessTimes::format(sys_seconds second) noexcept {
  if (second == second_) {
    return;
  }
  second_ = second;
  const auto day = std::chrono::floor<std::chrono::days>(second);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(second - day);
  const auto put_time = [&time](char* out) {
    out = put_digits(out, static_cast<std::uint64_t>(time.hours().count()), 2);
    *out++ = ':';
    out = put_digits(out, static_cast<std::uint64_t>(time.minutes().count()), 2);
    *out++ = ':';
    return put_digits(out, static_cast<std::uint64_t>(time.seconds().count()), 2);
  };
  const auto year = static_cast<std::uint64_t>(std::clamp(static_cast<int>(date.year()), 0, 9999));
  const auto month = static_cast<unsigned>(date.month());

  char* out = put_digits(clf_.data(), static_cast<unsigned>(date.day()), 2);
  *out++ = '/';
  out = put(out, kMonths.substr(std::size_t{3} * (month - 1), 3));
  *out++ = '/';
  out = put_digits(out, year, 4);
  *out++ = ':';
  put(put_time(out), " +0000");

  out = put_digits(rfc3339_.data(), year, 4);
  *out++ = '-';
  out = put_digits(out, month, 2);
  *out++ = '-';
  out = put_digits(out, static_cast<unsigned>(date.day()), 2);
  *out++ = 'T';
  put_time(out);
}

char* write_access_line(AccessFormat format, const Access& access, WallTime received,
                        AccessTimes& times, std::span<char> room) noexcept {
  // So that nothing has to be counted below: an escape takes up to six bytes, all that isn't the client's 400.
  constexpr std::size_t kEscape = 6;
  constexpr std::size_t kOwn = 400;
  const Fields fields = format == AccessFormat::common ? Fields() : fields_of(access.head);
  const std::size_t theirs = cut(access.head.method).size() + cut(access.head.target).size() +
                             cut(access.head.host).size() + fields.referer.size() +
                             fields.user_agent.size();
  if (room.size() < kOwn + kEscape * theirs) {
    return nullptr;
  }
  char* out = room.data();
  if (format == AccessFormat::json) {
    out = put_json_line(out, access, fields, received, times);
  } else {
    out = put_clf(out, access, std::chrono::floor<std::chrono::seconds>(received), times);
    if (format == AccessFormat::combined) {
      *out++ = ' ';
      out = put_quoted_or_dash(out, fields.referer);
      *out++ = ' ';
      out = put_quoted_or_dash(out, fields.user_agent);
    }
  }
  *out++ = '\n';
  return out;
}

}  // namespace simul::http
