// Answers with a file: all of it, the ranges that were asked for, or why not (RFC 9110, 13 and 14).
//
//   return answer_with_file(request.head(), FileInterest(request.head()), file);
//
// Which one it is of a file's compressed forms was decided before.
#pragma once

#include <memory>
#include <string_view>

#include <simul/http/request_head.hpp>
#include <simul/http/response.hpp>

#include "http/known_file.hpp"

namespace simul::http {

/// Which fields of a request concern files; most have none of them.
struct FileInterest {
  bool preconditions = false;
  bool range = false;  ///< of a GET: it means nothing elsewhere
  bool codings = false;

  explicit FileInterest(const RequestHead& head) noexcept;
};

[[nodiscard]] Response answer_with_file(const RequestHead& head, const FileInterest& interest,
                                        const std::shared_ptr<const KnownFile>& file);

/// 304 for what the client has already. `varies`: see KnownFile.
[[nodiscard]] Response not_modified(std::string_view tag, bool varies);

}  // namespace simul::http
