#include "http/static_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "http/content_type.hpp"
#include "http/date.hpp"
#include "http/open_beneath.hpp"

namespace simul::http {
namespace {

// A segment that is empty, or begins with a dot: `.`, `..` and hidden files. An empty one could make
// the target of a redirect, `//example.org/`, lead to another host.
bool has_strange_segment(std::string_view path) {
  for (std::size_t slash = 0; slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    const std::string_view rest = path.substr(slash + 1);
    if (rest.starts_with('.') || rest.starts_with('/')) {
      return true;
    }
  }
  return false;
}

int status_of_errno(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return 503;
    case EIO:
      return 500;
    default:  // there is no such file, or it is one that can't be sent
      return 404;
  }
}

Response redirect_to_folder(const RequestHead& request) {
  std::string fields = "Location: ";
  fields.append(request.path).append("/");
  if (!request.query.empty()) {
    fields.append("?").append(request.query);
  }
  fields += "\r\n";
  Response response = error_response(301);
  response.fields = std::move(fields);
  return response;
}

}  // namespace

StaticFiles::StaticFiles(const std::string& root, std::string index)
    : index_(std::move(index)), root_(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  if (root_ < 0) {
    throw std::system_error(errno, std::generic_category(), "root '" + root + "'");
  }
}

StaticFiles::~StaticFiles() { ::close(root_); }

Response StaticFiles::respond(const RequestHead& request, std::string path) const {
  if (has_strange_segment(path)) {
    return error_response(404);
  }
  if (path.ends_with('/')) {
    path += index_;
  }
  const int fd = open_beneath(root_, path.c_str() + 1);
  if (fd < 0) {
    return error_response(status_of_errno(errno));
  }
  struct stat status{};
  const bool known = ::fstat(fd, &status) == 0;
  File file(fd, static_cast<std::uint64_t>(status.st_size));
  if (!known) {
    return error_response(500);
  }
  if (S_ISDIR(status.st_mode)) {
    return request.path.ends_with('/') ? error_response(404) : redirect_to_folder(request);
  }
  if (!S_ISREG(status.st_mode)) {
    return error_response(404);
  }
  const DateText modified = format_date(status.st_mtime);
  std::string fields = "Last-Modified: ";
  fields.append(modified.data(), modified.size()).append("\r\n");
  return {
      .content_type = content_type_of(path), .fields = std::move(fields), .body = std::move(file)};
}

}  // namespace simul::http
