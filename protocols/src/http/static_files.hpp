// StaticFiles: answers from a folder of files.
//
//   StaticFiles files("./public", {.gzip = true});   // throws if there is no such folder
//   Response response = files.respond(request, "/docs/index.html");
//
// Nothing outside of the folder can be reached, and nothing whose name, or a folder's on the way,
// begins with a dot. The folder is opened once: one that is put in its place later is another folder.
// A file that was replaced is noticed within a second; replace rather than overwrite, for who is being sent
// the old one gets it whole then. Opening and reading happen on the loop's thread, and block it when the disk is
// slow.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>

#include <simul/http/request.hpp>
#include <simul/http/response.hpp>

#include "http/answer_file.hpp"
#include "http/file_cache.hpp"
#include "http/gzip_stream.hpp"
#include "http/known_file.hpp"

namespace simul::http {

struct StaticFileOptions {
  std::string index = "index.html";  ///< what is served for a folder: the name of a visible file
  bool listing = false;              ///< a folder without it is listed
  bool gzip = false;                 ///< what gets shorter by it is compressed while it is sent
  /// `name.br` and `name.gz` beside `name`, unless they are older, are sent in its place.
  bool precompressed = false;
};

class StaticFiles {
 public:
  /// Throws std::system_error.
  StaticFiles(const std::string& root, StaticFileOptions options);
  StaticFiles(const StaticFiles&) = delete;
  StaticFiles& operator=(const StaticFiles&) = delete;
  ~StaticFiles();

  /// To GET or HEAD. `path` is the request's path, decoded. Thread: any.
  [[nodiscard]] Response respond(const Request& request, std::string path) const;

 private:
  using FilePtr = std::shared_ptr<const KnownFile>;

  struct Found {
    FilePtr file;         // or
    bool folder = false;  // or
    int error = 0;
  };

  [[nodiscard]] Found find(const std::string& path) const;
  [[nodiscard]] Found open(const std::string& path, const FilePtr& old) const;
  [[nodiscard]] FilePtr open_variant(const std::string& path, Coding coding,
                                     const struct stat& plain, const FilePtr& old) const;
  [[nodiscard]] int open_fd(const std::string& path) const;
  [[nodiscard]] bool may_gzip(const KnownFile& file) const noexcept;
  [[nodiscard]] bool worth_gzip(const KnownFile& file) const;
  [[nodiscard]] Response answer(const RequestHead& head, const FilePtr& file) const;
  [[nodiscard]] std::optional<Response> answer_gzipped(const RequestHead& head,
                                                       const FileInterest& interest,
                                                       const FilePtr& file) const;
  [[nodiscard]] Response list(const std::string& path) const;

  StaticFileOptions options_;
  int root_;
  mutable FileCache cache_;
  mutable GzipPlaces places_;
};

}  // namespace simul::http
