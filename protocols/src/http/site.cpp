#include "http/site.hpp"

#include <stdexcept>
#include <utility>

#include <simul/quote.hpp>

#include "http/decode_path.hpp"
#include "http/response_access.hpp"

namespace simul::http {
namespace {

bool is_readable(const Request& request) {
  return request.method() == "GET" || request.method() == "HEAD";
}

Response method_not_allowed() {
  return Response::error(405).with("Allow", "GET, HEAD");
}

}  // namespace

Site::Site(const OptionMap& routes, std::unique_ptr<StaticFiles> files) : files_(std::move(files)) {
  for (const auto& [path, text] : routes) {
    if (!path.starts_with('/') || path.find_first_of("?#") != std::string::npos) {
      throw std::invalid_argument("route " + quote(path) +
                                  " is not a path: it begins with a slash and has no '?' or '#'");
    }
    routes_.emplace(path, text);
  }
}

Coro<Response> Site::respond(Request& request) { co_return *respond_at_once(request); }

std::optional<Response> Site::respond_at_once(Request& request) {
  if (request.path().empty()) {  // OPTIONS *
    return method_not_allowed();
  }
  std::string decoded;
  std::string_view path = request.path();
  if (path.contains('%')) {
    if (!decode_path(path, decoded)) {
      return Response::error(400);
    }
    path = decoded;
  }
  if (const auto route = routes_.find(path); route != routes_.end()) {
    return is_readable(request) ? detail::ResponseAccess::make(200, kPlainText, std::string_view(route->second))
                                : method_not_allowed();
  }
  if (files_ == nullptr) {
    return Response::error(404);
  }
  return is_readable(request) ? files_->respond(request, std::string(path)) : method_not_allowed();
}

}  // namespace simul::http
