#include "http/site.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <stdexcept>
#include <utility>

#include <simul/quote.hpp>

#include "http/characters.hpp"
#include "http/content_type.hpp"
#include "http/decode_path.hpp"
#include "http/percent.hpp"
#include "http/response_access.hpp"
#include "http/status.hpp"

namespace simul::http {
namespace {

using detail::ResponseAccess;

constexpr std::string_view kAllow = "Allow: GET, HEAD, OPTIONS\r\n";

// What an answer is says the site itself; these would contradict it.
constexpr std::array<std::string_view, 9> kOfTheAnswer = {
    "accept-ranges", "allow",  "content-encoding", "content-range", "content-type",
    "etag",          "server", "last-modified",    "location"};

[[noreturn]] void refuse(std::string_view option, std::string_view name, const std::string& why) {
  throw std::invalid_argument(std::string(option) + ": " + quote(name) + ": " + why);
}

/// Calls `work`, and says which option and name it was about if it throws.
template <typename Work>
auto about(std::string_view option, std::string_view name, Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const std::exception& error) {
    refuse(option, name, error.what());
  }
}

// `example.org/path`, or `/path` for every host.
struct Key {
  std::string_view host;
  std::string_view path;
};

Key parse_key(std::string_view option, std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    refuse(option, text, "a path begins with a slash, which a host may stand before");
  }
  if (text.find_first_of("?#") != std::string_view::npos) {
    refuse(option, text, "a path has no '?' or '#'");
  }
  return {.host = text.substr(0, slash), .path = text.substr(slash)};
}

bool is_readable(const Request& request) noexcept {
  return request.method() == "GET" || request.method() == "HEAD";
}

Response method_not_allowed(const Request& request) {
  if (request.method() == "OPTIONS") {
    return ResponseAccess::make(204, {}, std::string_view(), std::string(kAllow));
  }
  return ResponseAccess::make(405, kPlainText, status_text(405) + "\n", std::string(kAllow));
}

// How much of `encoded` is `beginning` when decoded; nothing if it doesn't begin so.
std::optional<std::size_t> match_beginning(std::string_view encoded, std::string_view beginning) {
  std::size_t size = 0;
  for (const char c : beginning) {
    const std::string_view rest = encoded.substr(size);
    const std::optional<char> escaped = decode_escape(rest);
    if (rest.empty() || (escaped ? *escaped : rest.front()) != c) {
      return std::nullopt;
    }
    size += escaped ? 3 : 1;
  }
  return size;
}

// A host that a pattern stands for.
std::string host_like(std::string_view pattern) {
  return pattern.empty()
             ? std::string()
             : parse_host_pattern(pattern.starts_with("*.") ? "a" + std::string(pattern.substr(1))
                                                            : pattern);
}

}  // namespace

Site::Site(const OptionValues& options, const StaticFileOptions& files)
    : error_pages_(options.get_map("error_pages")) {
  add_files(options, files);
  add_routes(options.get_map("routes"));
  add_redirects(options.get_map("redirects"));
  add_headers(options.get_map("headers"));
}

Site::Place& Site::place_of(std::string_view host) {
  return host.empty() ? everywhere_ : hosts_.at(parse_host_pattern(host));
}

void Site::add_files(const OptionValues& options, const StaticFileOptions& files) {
  TextMap<std::shared_ptr<const StaticFiles>> folders;  // hosts with the same one share its cache
  const auto open = [&](const std::string& path) {
    std::shared_ptr<const StaticFiles>& folder = folders[path];
    if (folder == nullptr) {
      folder = std::make_shared<const StaticFiles>(path, files);
    }
    return folder;
  };
  if (options.has("root")) {
    everywhere_.files = open(options.get_string("root"));
  }
  for (const auto& [host, path] : options.get_map("hosts")) {
    about("hosts", host, [&] {
      std::shared_ptr<const StaticFiles>& place = hosts_.at(parse_host_pattern(host)).files;
      if (place != nullptr) {
        throw std::invalid_argument("this host is there twice");
      }
      place = open(path);
    });
    has_folders_by_host_ = true;
  }
}

void Site::add_routes(const OptionMap& routes) {
  for (const auto& [name, text] : routes) {
    const Key key = parse_key("routes", name);
    if (key.path.contains('*')) {
      refuse("routes", name, "a route is a whole path, without '*'");
    }
    std::string_view type = content_type_of(key.path).name;
    if (type == "application/octet-stream") {  // it isn't known
      type = kPlainText;
    }
    about("routes", name, [&] {
      if (!place_of(key.host)
               .fixed.emplace(key.path, Text{.content_type = type, .text = text})
               .second) {
        throw std::invalid_argument("this path is there twice");
      }
    });
  }
}

void Site::add_redirects(const OptionMap& redirects) {
  for (const auto& [name, target] : redirects) {
    const Key key = parse_key("redirects", name);
    about("redirects", name, [&] {
      Redirect redirect = Redirect::parse(target);
      Place& place = place_of(key.host);
      if (!key.path.contains('*')) {
        if (!place.fixed.emplace(key.path, std::move(redirect)).second) {
          throw std::invalid_argument("there is a route, or another redirect, for this path");
        }
        return;
      }
      if (!key.path.ends_with("/*") || key.path.find('*') != key.path.size() - 1) {
        throw std::invalid_argument("'*' stands for all that follows a slash, as in /docs/*");
      }
      const std::string_view beginning = key.path.substr(0, key.path.size() - 1);
      if (std::ranges::find(place.beginnings, beginning, &Beginning::path) !=
          place.beginnings.end()) {
        throw std::invalid_argument("there is another redirect for this path");
      }
      place.beginnings.push_back({.path = std::string(beginning), .redirect = std::move(redirect)});
      std::ranges::sort(place.beginnings, std::ranges::greater(),
                        [](const Beginning& known) { return known.path.size(); });
    });
  }
  check_circles(redirects);
}

void Site::check_circles(const OptionMap& redirects) const {
  for (const auto& [name, target] : redirects) {
    const Key key = parse_key("redirects", name);
    const std::string host = host_like(key.host);
    std::string encoded = encode_uri(key.path.substr(0, key.path.find('*')));
    if (key.path.ends_with('*')) {
      encoded += "x";
    }
    for (std::size_t steps = 0;; ++steps) {
      std::string path;
      const Found found = decode_path(encoded, path) ? find(host, path, encoded) : Found();
      if (found.redirect == nullptr || !found.redirect->stays()) {
        break;
      }
      if (steps > redirects.size()) {
        refuse("redirects", name, "leads to itself in the end, and so nowhere");
      }
      encoded = found.redirect->location(std::string(found.rest));
      encoded.resize(std::min(encoded.find_first_of("?#"), encoded.size()));
    }
  }
}

void Site::add_headers(const OptionMap& headers) {
  for (const auto& [name, value] : headers) {
    about("headers", name, [&] {
      const bool is_own = std::ranges::any_of(
          kOfTheAnswer, [&](std::string_view own) { return equal_ignoring_case(own, name); });
      if (is_own) {
        throw std::invalid_argument("the server itself says this");
      }
      Response checked;
      checked.set(name, value);
      headers_.push_back({.name = name, .line = ResponseAccess::fields(checked)});
    });
    header_lines_ += headers_.back().line;
  }
}

template <typename Look>
bool Site::visit(std::string_view host, Look&& look) const {
  return hosts_.visit(host, look) || look(everywhere_);
}

Site::Found Site::find(std::string_view host, std::string_view path,
                       std::string_view encoded) const {
  Found result;
  const auto is_whole = [&](const Place& place) {
    const auto found = place.fixed.find(path);
    if (found == place.fixed.end()) {
      return false;
    }
    result.text = std::get_if<Text>(&found->second);
    result.redirect = std::get_if<Redirect>(&found->second);
    return true;
  };
  const auto begins = [&](const Place& place) {
    for (const Beginning& beginning : place.beginnings) {
      if (const auto size = match_beginning(encoded, beginning.path)) {
        result.redirect = &beginning.redirect;
        result.rest = encoded.substr(*size);
        return true;
      }
    }
    return false;
  };
  static_cast<void>(visit(host, is_whole) || visit(host, begins));
  return result;
}

Coro<Response> Site::respond(Request& request) { co_return *respond_at_once(request); }

std::optional<Response> Site::respond_at_once(Request& request) { return dressed(answer(request)); }

Response Site::error(int status, std::string_view /*host*/) {
  return dressed(Response::error(status));
}

Response Site::answer(const Request& request) const {
  if (request.path().empty() || request.method() == "TRACE") {  // `OPTIONS *`
    return method_not_allowed(request);
  }
  std::string decoded;
  std::string_view path = request.path();
  if (path.contains('%')) {
    if (!decode_path(path, decoded)) {
      return Response::error(400);
    }
    path = decoded;
  }
  const HostName host(hosts_.empty() ? std::string_view() : request.host());
  const Found found = find(host.text(), path, request.path());
  if (found.text != nullptr) {
    return is_readable(request) ? ResponseAccess::make(200, found.text->content_type,
                                                       std::string_view(found.text->text))
                                : method_not_allowed(request);
  }
  if (found.redirect == nullptr) {
    return answer_from_files(request, host.text(), path);
  }
  const int status = found.redirect->status();
  if (!found.redirect->has_target()) {
    return Response::error(status);
  }
  std::string rest(found.rest);
  if (const std::string_view query = request.head().query; !query.empty()) {
    rest.append("?").append(query);
  }
  std::string fields = "Location: " + found.redirect->location(rest) + "\r\n";
  return ResponseAccess::make(status, kPlainText, status_text(status) + "\n", std::move(fields));
}

Response Site::answer_from_files(const Request& request, std::string_view host,
                                 std::string_view path) const {
  const StaticFiles* files = nullptr;
  visit(host, [&files](const Place& place) {
    files = place.files.get();
    return files != nullptr;
  });
  if (files == nullptr) {
    return Response::error(has_folders_by_host_ ? 421 : 404);
  }
  return is_readable(request) ? files->respond(request, std::string(path))
                              : method_not_allowed(request);
}

Response Site::dressed(Response response) const {
  if (const ErrorPage* const page = error_pages_.find(response.status())) {
    response.remove("Content-Type");
    response =
        ResponseAccess::make(response.status(), page->content_type, std::string_view(page->text),
                             std::move(ResponseAccess::fields(response)));
  }
  if (!headers_.empty()) {
    std::string& fields = ResponseAccess::fields(response);
    if (!fields.empty()) {
      for (const Header& header : headers_) {
        response.remove(header.name);
      }
    }
    fields += header_lines_;
  }
  return response;
}

}  // namespace simul::http
