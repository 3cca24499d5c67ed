#include "http/listing.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <memory>
#include <tuple>
#include <vector>

#include "http/date.hpp"
#include "http/open_beneath.hpp"
#include "http/percent.hpp"

namespace simul::http {
namespace {

struct Listed {
  std::string name;
  bool folder;
  std::uint64_t size;
  std::time_t modified;
};

void append_escaped(std::string& html, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  }
}

// What a link leads to, if that may be had: only opening it tells.
bool stat_beneath(int root, const std::string& path, struct stat& status) {
  const int fd = open_beneath(root, path.c_str());
  if (fd < 0) {
    return false;
  }
  const bool known = ::fstat(fd, &status) == 0;
  ::close(fd);
  return known;
}

// Nothing for what isn't shown.
std::optional<Listed> look_at(int root, int folder, const std::string& prefix, const char* name) {
  struct stat status{};
  if (name[0] == '.' || ::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return std::nullopt;
  }
  if (S_ISLNK(status.st_mode) && !stat_beneath(root, prefix + name, status)) {
    return std::nullopt;
  }
  if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  return Listed{.name = name,
                .folder = S_ISDIR(status.st_mode),
                .size = static_cast<std::uint64_t>(status.st_size),
                .modified = status.st_mtime};
}

void append_row(std::string& html, std::string_view href, std::string_view name,
                std::string_view size, std::string_view date) {
  // The dot: a colon in the name doesn't make it a scheme.
  html += "<tr><td><a href=\"./";
  append_escaped(html, href);
  html += "\">";
  append_escaped(html, name);
  html.append("</a><td>").append(size).append("<td>").append(date).append("\n");
}

std::string make_page(std::string_view path, const std::vector<Listed>& entries, bool complete) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>";
  append_escaped(html, path);
  html +=
      "</title>\n<style>body{font-family:sans-serif}td{padding:0 1em 0 0}"
      "td+td{text-align:right}</style>\n<h1>";
  append_escaped(html, path);
  html += "</h1>\n<table>\n";
  if (path != "/") {
    append_row(html, "../", "../", "", "");
  }
  for (const Listed& entry : entries) {
    const DateText date = format_date(entry.modified);
    const std::string_view slash = entry.folder ? "/" : "";
    append_row(
        html, encode_segment(entry.name).append(slash), std::string(entry.name).append(slash),
        entry.folder ? std::string() : std::to_string(entry.size), {date.data(), date.size()});
  }
  html += "</table>\n";
  if (!complete) {
    html += "<p>There are more.\n";
  }
  return html;
}

}  // namespace

std::optional<std::string> list_folder(int root, std::string_view path) {
  const std::string prefix(path.substr(1));  // empty, or with its slash
  const int fd =
      open_beneath(root, prefix.empty() ? "." : prefix.substr(0, prefix.size() - 1).c_str());
  if (fd < 0) {
    return std::nullopt;
  }
  const auto close_folder = [](DIR* folder) { ::closedir(folder); };
  const std::unique_ptr<DIR, decltype(close_folder)> folder(::fdopendir(fd));
  if (folder == nullptr) {
    const int error = errno;
    ::close(fd);
    errno = error;
    return std::nullopt;
  }
  std::vector<Listed> entries;
  bool complete = true;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else has this DIR
  for (const dirent* entry = ::readdir(folder.get()); entry != nullptr;
       entry = ::readdir(folder.get())) {  // NOLINT(concurrency-mt-unsafe)
    auto listed = look_at(root, fd, prefix, entry->d_name);
    if (!listed) {
      continue;
    }
    if (entries.size() == kMostListed) {
      complete = false;
      break;
    }
    entries.push_back(*std::move(listed));
  }
  std::ranges::sort(entries, {}, [](const Listed& entry) {
    return std::tuple(!entry.folder, std::string_view(entry.name));
  });
  return make_page(path, entries, complete);
}

}  // namespace simul::http
