#include "http/static_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <ctime>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "http/content_type.hpp"
#include "http/date.hpp"
#include "http/file_error.hpp"
#include "http/listing.hpp"
#include "http/open_beneath.hpp"
#include "http/percent.hpp"
#include "http/response_access.hpp"

namespace simul::http {
namespace {

// A file that was written so lately may be written to still, and is looked at anew each time.
constexpr std::time_t kSettled = 2;

// A segment that is empty, or begins with a dot: `.`, `..` and hidden files. An empty one could make
// the target of a redirect, `//example.org/`, lead to another host.
bool is_strange(std::string_view path) {
  if (!path.starts_with('/') || path.contains('\0')) {
    return true;
  }
  for (std::size_t slash = 0; slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    const std::string_view rest = path.substr(slash + 1);
    if (rest.starts_with('.') || rest.starts_with('/')) {
      return true;
    }
  }
  return false;
}

Response redirect_to_folder(const Request& request) {
  std::string location = encode_uri(request.path()) + "/";
  if (!request.head().query.empty()) {
    location.append("?").append(request.head().query);
  }
  return Response::error(301).with("Location", location);
}

bool may_be_written_to(const KnownFile& file) noexcept {
  const std::time_t age = std::time(nullptr) - file.file().modified();
  return age < kSettled && age > -kSettled;
}

}  // namespace

StaticFiles::StaticFiles(const std::string& root, StaticFileOptions options)
    : options_(std::move(options)), root_(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  if (root_ < 0) {
    throw std::system_error(errno, std::generic_category(), "root '" + root + "'");
  }
}

StaticFiles::~StaticFiles() { ::close(root_); }

Response StaticFiles::respond(const Request& request, std::string path) const {
  if (is_strange(path)) {
    return Response::error(404);
  }
  const bool of_folder = path.ends_with('/');
  if (of_folder) {
    path += options_.index;
  }
  const Found found = find(path);
  if (found.file != nullptr) {
    return answer(request.head(), found.file);
  }
  if (found.folder) {
    return of_folder ? Response::error(404) : redirect_to_folder(request);
  }
  if (of_folder && options_.listing && found.error == ENOENT) {
    return list(path.substr(0, path.size() - options_.index.size()));
  }
  return Response::error(status_of_file_error(found.error));
}

StaticFiles::Found StaticFiles::find(const std::string& path) const {
  const TimePoint now = FileCache::now();
  auto [old, fresh] = cache_.find(path, now);
  if (fresh) {
    return {.file = std::move(old)};
  }
  Found found = open(path, old);
  if (found.file != nullptr && !may_be_written_to(*found.file)) {
    cache_.put(path, found.file, now);
  } else if (old != nullptr) {
    cache_.remove(path);
  }
  return found;
}

// Gives `old` again, with all that is known of it, if nothing has changed.
StaticFiles::Found StaticFiles::open(const std::string& path, const FilePtr& old) const {
  const int fd = open_fd(path);
  if (fd < 0) {
    return {.file = {}, .error = errno};
  }
  struct stat status{};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    return {.file = {}, .folder = S_ISDIR(status.st_mode), .error = ENOENT};
  }
  const auto file = std::make_shared<KnownFile>(fd, status, content_type_of(path));
  for (const Coding coding : {Coding::brotli, Coding::gzip}) {
    file->set_variant(coding, open_variant(path, coding, status,
                                           old != nullptr ? old->variant(coding) : nullptr));
  }
  const bool has_variant =
      file->variant(Coding::brotli) != nullptr || file->variant(Coding::gzip) != nullptr;
  if (has_variant || may_gzip(*file)) {
    file->set_varies();
  }
  if (old != nullptr && old->is_same(status) &&
      old->variant(Coding::brotli) == file->variant(Coding::brotli) &&
      old->variant(Coding::gzip) == file->variant(Coding::gzip)) {
    return {.file = old};
  }
  return {.file = file};
}

StaticFiles::FilePtr StaticFiles::open_variant(const std::string& path, Coding coding,
                                               const struct stat& plain, const FilePtr& old) const {
  if (!options_.precompressed) {
    return nullptr;
  }
  const int fd = open_fd(path + (coding == Coding::brotli ? ".br" : ".gz"));
  if (fd < 0) {
    return nullptr;
  }
  struct stat status{};
  // An older one was made of something else. (In seconds: archives keep no more.)
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_mtime < plain.st_mtime) {
    ::close(fd);
    return nullptr;
  }
  if (old != nullptr && old->is_same(status)) {
    ::close(fd);
    return old;
  }
  const auto file = std::make_shared<KnownFile>(fd, status, content_type_of(path), coding);
  file->set_varies();
  return file;
}

// `path` begins with a slash. Negative: see errno.
int StaticFiles::open_fd(const std::string& path) const {
  int fd = open_beneath(root_, path.c_str() + 1);
  if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
    cache_.clear();  // those that are only kept for later
    fd = open_beneath(root_, path.c_str() + 1);
  }
  return fd;
}

bool StaticFiles::may_gzip(const KnownFile& file) const noexcept {
  return options_.gzip && file.compressible() && file.file().size() >= KnownFile::kMinGzip;
}

bool StaticFiles::worth_gzip(const KnownFile& file) const {
  if (!may_gzip(file)) {
    return false;
  }
  return file.file().size() > KnownFile::kMaxGzipAtOnce ||
         (!file.gzipped().empty() && file.gzipped().size() < file.file().size());
}

Response StaticFiles::answer(const RequestHead& head, const FilePtr& file) const {
  const FileInterest interest(head);
  if (!interest.codings) {
    return answer_with_file(head, interest, file);
  }
  const AcceptEncoding accept(head.fields);
  // Who takes nothing but gzip gets gzip, whatever it is good for. Ranges are those of a file's bytes.
  const bool plain = accept.quality(Coding::identity) > 0;
  const bool on_the_fly = options_.gzip && accept.quality(Coding::gzip) > 0 &&
                          (!plain || (!interest.range && worth_gzip(*file)));
  const auto coding = choose_coding(accept, on_the_fly || file->variant(Coding::gzip) != nullptr,
                                    file->variant(Coding::brotli) != nullptr);
  if (!coding) {
    return Response::error(406).with("Vary", "Accept-Encoding");
  }
  if (*coding == Coding::identity) {
    return answer_with_file(head, interest, file);
  }
  if (const FilePtr& variant = file->variant(*coding)) {
    return answer_with_file(head, interest, variant);
  }
  if (auto compressed = answer_gzipped(head, interest, file)) {
    return *std::move(compressed);
  }
  return plain ? answer_with_file(head, interest, file) : Response::error(503);
}

// Nothing: it can't be compressed now.
std::optional<Response> StaticFiles::answer_gzipped(const RequestHead& head,
                                                    const FileInterest& interest,
                                                    const FilePtr& file) const {
  const std::string tag = file->gzip_tag();
  const std::time_t modified = file->validators().modified;
  if (interest.preconditions) {
    switch (check_preconditions(head, {.tag = tag, .modified = modified})) {
      case Verdict::not_modified:
        return not_modified(tag, true);
      case Verdict::failed:
        return Response::error(412);
      case Verdict::proceed:
        break;
    }
  }
  const DateText date = format_date(modified);
  std::string fields = "Last-Modified: ";
  fields.append(date.data(), date.size()).append("\r\nETag: ").append(tag);
  fields.append("\r\nContent-Encoding: gzip\r\n").append(kVary).append(kNoSniff);
  if (file->file().size() <= KnownFile::kMaxGzipAtOnce) {
    if (file->gzipped().empty()) {
      return std::nullopt;
    }
    return detail::ResponseAccess::make(200, file->content_type(), file->gzipped(),
                                        std::move(fields));
  }
  auto place = places_.take();
  if (place == nullptr) {
    return std::nullopt;
  }
  return gzip_stream(file, std::move(place), std::move(fields));
}

Response StaticFiles::list(const std::string& path) const {
  auto page = list_folder(root_, path);
  if (!page) {
    return Response::error(status_of_file_error(errno));
  }
  return Response::html(*std::move(page)).with("X-Content-Type-Options", "nosniff");
}

}  // namespace simul::http
