#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include <simul/http/file.hpp>
#include <simul/http/http_error.hpp>

#include "http/answer_file.hpp"
#include "http/content_type.hpp"
#include "http/file_error.hpp"
#include "http/known_file.hpp"
#include "http/response_access.hpp"

namespace simul::http {
namespace {

std::shared_ptr<const KnownFile> open_known(const std::filesystem::path& path) {
  if (path.native().contains('\0')) {
    throw HttpError(404);
  }
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    throw HttpError(status_of_file_error(errno));
  }
  struct stat status{};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    throw HttpError(404);
  }
  return std::make_shared<const KnownFile>(fd, status, content_type_of(path.native()));
}

}  // namespace

Response serve_file(const Request& request, const std::filesystem::path& path) {
  return answer_with_file(request.head(), FileInterest(request.head()), open_known(path));
}

Response Response::file(const std::filesystem::path& path) {
  const std::shared_ptr<const KnownFile> known = open_known(path);
  detail::FileBody body{.file = {known, &known->file()}, .parts = {}, .after = {}};
  body.parts.push_back({.before = {}, .offset = 0, .size = known->file().size()});
  return detail::ResponseAccess::make(200, known->content_type(), std::move(body));
}

}  // namespace simul::http
