// StaticFiles: answers from a folder of files.
//
//   StaticFiles files("./public", "index.html");   // throws if there is no such folder
//   Response response = files.respond(request);
//
// Nothing outside of the folder can be reached, and nothing whose name, or a folder's on the way,
// begins with a dot. The folder is opened once: one that is put in its place later is another folder.
// Opening and reading happen on the loop's thread, and block it when the disk is slow.
#pragma once

#include <string>

#include <simul/http/request_head.hpp>

#include "http/response.hpp"

namespace simul::http {

class StaticFiles {
 public:
  /// Throws std::system_error.
  StaticFiles(const std::string& root, std::string index);
  StaticFiles(const StaticFiles&) = delete;
  StaticFiles& operator=(const StaticFiles&) = delete;
  ~StaticFiles();

  /// To GET or HEAD. `path` is the request's path, decoded. Thread: any.
  [[nodiscard]] Response respond(const RequestHead& request, std::string path) const;

 private:
  std::string index_;
  int root_;
};

}  // namespace simul::http
