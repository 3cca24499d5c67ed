// Answers with a file, as the protocol `http` does for its own: what the client has already isn't sent again
// (conditional requests), and of a large one it may have parts (ranges).
//
//   Coro<Response> report(Request& request) {
//     co_return serve_file(request, "/var/reports/latest.pdf");
//   }
//
// The path is the program's: it may lead anywhere and through any link, so never make it of what a client
// sent. Response::file() sends a file whatever the request says.
#pragma once

#include <filesystem>

#include <simul/export.hpp>
#include <simul/http/request.hpp>
#include <simul/http/response.hpp>

namespace simul::http {

/// 200, 206, 304, 412 or 416. Throws HttpError as Response::file(): 404 if there is no such regular file, 403
/// if it may not be read, 503 if no more files can be open. It blocks the thread while the file is opened.
[[nodiscard]] SIMUL_EXPORT Response serve_file(const Request& request,
                                               const std::filesystem::path& path);

}  // namespace simul::http
