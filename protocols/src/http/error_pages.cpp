#include "http/error_pages.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <span>
#include <stdexcept>
#include <system_error>

#include <simul/quote.hpp>

#include "http/content_type.hpp"
#include "http/open_file.hpp"
#include "http/read_file.hpp"

namespace simul::http {
namespace {

constexpr std::uint64_t kLargest = std::uint64_t{1} << 20;

/// Of which statuses it is the page: from the one to the other.
struct Range {
  int first;
  int last;
};

std::optional<Range> parse_range(std::string_view name) {
  if (name == "default") {
    return Range{400, 599};
  }
  if (name == "4xx") {
    return Range{400, 499};
  }
  if (name == "5xx") {
    return Range{500, 599};
  }
  int status = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), status);
  if (error != std::errc() || end != name.data() + name.size() || status < 400 || status > 599) {
    return std::nullopt;
  }
  return Range{status, status};
}

std::string read_page(const std::string& path) {
  const auto fail = [&path](const std::string& why) {
    throw std::invalid_argument(quote(path) + ": " + why);
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat status{};
  if (fd < 0) {
    fail(std::generic_category().message(errno));
  }
  const bool known = ::fstat(fd, &status) == 0;
  const OpenFile file(fd, status);
  if (!known || !S_ISREG(status.st_mode)) {
    fail("not a regular file");
  }
  if (file.size() > kLargest) {
    fail("it is kept in memory, and larger than 1 MiB");
  }
  std::string text(file.size(), '\0');
  if (!read_file(file, 0, text)) {
    fail("it can't be read");
  }
  return text;
}

}  // namespace

ErrorPages::ErrorPages(const OptionMap& paths) {
  std::array<int, 200> widths{};  // of the range that has put a page there
  for (const auto& [name, path] : paths) {
    const std::optional<Range> range = parse_range(name);
    if (!range) {
      throw std::invalid_argument("error_pages: " + quote(name) +
                                  " is neither a status from 400 to 599 nor 4xx, 5xx or default");
    }
    try {
      pages_.push_back(std::make_unique<ErrorPage>(
          ErrorPage{.content_type = content_type_of(path).name, .text = read_page(path)}));
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument("error_pages: " + quote(name) + ": " + error.what());
    }
    const int width = range->last - range->first + 1;
    for (int status = range->first; status <= range->last; ++status) {
      const auto index = static_cast<std::size_t>(status - 400);
      if (widths[index] == 0 || width < widths[index]) {
        widths[index] = width;
        by_status_[index] = pages_.back().get();
      }
    }
  }
}

}  // namespace simul::http
